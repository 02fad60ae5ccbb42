# Scope: refuses other versions of the libraries than those in requirements.txt: they may give other numbers.
import importlib.metadata
import pathlib
import sys


def pinned():
    """Each library's name and version."""
    lines = (pathlib.Path(__file__).parent / "requirements.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def found(names=("torch", "torchvision", "numpy")):
    """The versions that a golden file names."""
    return {name: version for name, version in pinned().items() if name in names}


def check(names=("torch", "torchvision", "numpy")):
    """Ends the script that runs unless these libraries are there in their pinned versions; what follows a +, the build, may differ."""
    for name, wanted in found(names).items():
        try:
            version = importlib.metadata.version(name).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            version = "none"
        if version != wanted:
            script = pathlib.Path(sys.argv[0]).name
            sys.exit(f"{script}: expected {name} {wanted}, found {version}; install Tests/Engine/DetectorsTests/Golden/requirements.txt")
