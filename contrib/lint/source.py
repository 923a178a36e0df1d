"""The tree as the lint sees it: its files, and C with the comments and strings taken out."""

import os
import re
import subprocess
from pathlib import Path

SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__"}

TOKEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
    re.DOTALL,
)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)", re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)


def git_files(root):
    """What git would carry: tracked files and new ones that it does not ignore; None without git."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return None
    top = ["git", "-C", str(root), "rev-parse", "--show-toplevel"]
    if done.returncode != 0:
        return None
    shown = subprocess.run(top, capture_output=True, check=False, text=True).stdout.strip()
    if not shown or Path(shown).resolve() != Path(root).resolve():
        return None
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def walk_files(root):
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return found


class Tree:
    """Paths are relative to the root and use slashes."""

    def __init__(self, root):
        self.root = Path(root)
        names = git_files(root)
        if names is None:
            names = walk_files(root)
        self.files = sorted({name for name in names if (self.root / name).is_file()})
        self.cache = {}

    def bytes(self, name):
        return (self.root / name).read_bytes()

    def text(self, name):
        if name not in self.cache:
            self.cache[name] = self.bytes(name).decode("utf-8", errors="replace")
        return self.cache[name]

    def is_binary(self, name):
        return b"\0" in self.bytes(name)[:8192]

    def c_files(self):
        return [name for name in self.files if name.endswith((".c", ".h"))]

    def headers(self):
        return [name for name in self.files if name.endswith(".h")]


def blank(match):
    """A comment or string as blanks of the same shape, so that lines and columns stay."""
    text = match.group(0)
    if text.startswith(("/*", "//")):
        return re.sub(r"[^\n]", " ", text)
    return text[0] + re.sub(r"[^\n]", " ", text[1:-1]) + text[-1]


def strip_comments_and_strings(text):
    return TOKEN.sub(blank, text)


def strip_comments(text):
    return TOKEN.sub(lambda m: blank(m) if m.group(0).startswith("/") else m.group(0), text)


def strip_directives(code):
    return DIRECTIVE.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), code)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Function:
    def __init__(self, name, first, last):
        self.name = name
        self.first = first  # the line of its signature
        self.last = last  # the line of its closing brace


def functions(text):
    """The functions of a C file. Braces are matched outside of comments, strings and directives."""
    code = strip_directives(strip_comments_and_strings(text))
    found = []
    depth = 0
    start = 0  # where the declaration that is being read began
    signature = None
    for match in re.finditer(r"[{};]", code):
        mark = match.group(0)
        if mark == "{":
            if depth == 0:
                signature = signature_of(code, start, match.start())
            depth += 1
        elif mark == "}":
            depth -= 1
            if depth == 0:
                if signature:
                    name, offset = signature
                    found.append(Function(name, line_of(code, offset), line_of(code, match.start())))
                start = match.end()
        elif depth == 0:
            start = match.end()
    return found


def signature_of(code, start, brace):
    """(name, offset) if what stands before the brace is the head of a function, else None."""
    head = code[start:brace]
    if "=" in head or not re.search(r"\)\s*$", head):
        return None
    named = re.search(r"([A-Za-z_]\w*)\s*\(", ATTRIBUTE.sub(" ", head))
    if not named:
        return None
    return named.group(1), start + len(head) - len(head.lstrip())


def includes(text):
    """(line, name, quoted) of each include of a C file."""
    code = strip_comments(text)
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">\n]+)[">]', code, re.MULTILINE):
        yield line_of(code, match.start()), match.group(2), match.group(1) == '"'


def calls(text):
    """(line, name) of what looks like a call of a plain function: not through a pointer or a field."""
    code = strip_comments_and_strings(text)
    for match in re.finditer(r"([A-Za-z_]\w*)\s*\(", code):
        before = code[: match.start()].rstrip()
        if before.endswith((".", "->")):
            continue
        yield line_of(code, match.start()), match.group(1)
