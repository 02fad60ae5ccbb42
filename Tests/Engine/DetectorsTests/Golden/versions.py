# Scope: refuses other versions of the libraries than those in requirements.txt: they may give other numbers.
import importlib.metadata
import pathlib
import sys


def check():
    """Ends the script that runs unless every pinned library is there in its version."""
    for line in (pathlib.Path(__file__).parent / "requirements.txt").read_text().splitlines():
        if "==" not in line:
            continue
        name, wanted = line.split("==")
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "none"
        if found != wanted:
            script = pathlib.Path(sys.argv[0]).name
            sys.exit(f"{script}: expected {name} {wanted}, found {found}; install Tests/Engine/DetectorsTests/Golden/requirements.txt")
