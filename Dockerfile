# The service, as one would run it: `docker build -t incident-watchdog .`
FROM python:3.11-slim-bookworm

WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1

# the packages first: this layer is made again only when the lock file changes
COPY dev.py requirements.lock ./
RUN python dev.py setup

COPY watchdog ./watchdog
COPY rules ./rules
COPY notifiers ./notifiers
RUN python -m compileall -q watchdog rules notifiers \
    && useradd --system --uid 10001 --home-dir /data --no-create-home watchdog \
    && install -d -o watchdog -g watchdog -m 0700 /data

USER 10001
VOLUME /data
EXPOSE 8711

HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8711/readyz', timeout=4)"]

ENTRYPOINT ["watchdog"]
CMD ["run", "--config", "/config/rules.yaml", "--data", "/data", "--listen", "0.0.0.0:8711"]
