"""From rules.yaml to frozen values, with every mistake shown at its place."""
