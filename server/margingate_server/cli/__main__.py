"""`python -m margingate_server.cli`."""

from margingate_server.cli import main

if __name__ == "__main__":
    main()
