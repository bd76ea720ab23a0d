# Short names for what dev.py does; arguments by ARGS, as in `make test ARGS="-k owner"`.
COMMANDS = run test long check bench wheel lock setup

.PHONY: $(COMMANDS)
$(COMMANDS):
	@python3 dev.py $@ $(ARGS)
