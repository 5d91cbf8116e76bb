"""`python -m curator` is the command `curator`."""

from curator.cli.app import main

if __name__ == "__main__":
    main()
