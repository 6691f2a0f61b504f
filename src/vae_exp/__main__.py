"""`python -m vae_exp` is `vae-exp`."""

from vae_exp.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
