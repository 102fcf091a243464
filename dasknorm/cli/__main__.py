"""``python -m dasknorm.cli``: the command line where its script is not on the path.

Used by users.
"""

from dasknorm.cli import main

if __name__ == "__main__":  # worker processes import this file, and must not run it
    main(prog_name="dasknorm")
