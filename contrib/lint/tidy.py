#!/usr/bin/env python3
"""Holds the tree to the rules of rules.py. Standard library only.

    contrib/lint/tidy.py                 every check
    contrib/lint/tidy.py text layers     these checks
    contrib/lint/tidy.py --list          the checks
    contrib/lint/tidy.py --baseline      rewrite raw_access.txt with what is there now

Each finding is one line: file:line: what is wrong: what to do. Exit status 1 if there is any.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import rules  # noqa: E402
import source  # noqa: E402

RAW_ACCESS = "contrib/lint/raw_access.txt"
BLOBS = "contrib/lint/blobs.txt"
CHECKS = {}


def check(function):
    """Registers a check under its name. Its first line says what it looks at; it yields findings."""
    CHECKS[function.__name__] = function
    return function


def finding(name, line, what, remedy):
    return f"{name}:{line}: {what}: {remedy}"


def is_code(tree, name):
    if name.endswith(rules.CODE_ENDINGS) or os.path.basename(name) == "CMakeLists.txt":
        return True
    return "." not in os.path.basename(name) and tree.bytes(name)[:2] == b"#!"


def is_prose_or_code(tree, name):
    return is_code(tree, name) or name.endswith((".md", ".json", ".txt", ".yml", ".ini", ".conf", ".service"))


def folder_of(name):
    """The row of LAYERS that a file belongs to, or None outside of it."""
    folder = os.path.dirname(name)
    while folder:
        if folder in rules.LAYERS:
            return folder
        folder = os.path.dirname(folder)
    return None


def is_outside(name):
    return name.split("/")[0] in rules.OUTSIDE


def lines_of(text):
    return text.split("\n")


@check
def text(tree):
    """trailing whitespace, tabs, CRLF, missing last newline, lines over the limit, unfinished work"""
    words = re.compile(r"\b(" + "|".join(rules.UNFINISHED) + r")\b")
    for name in tree.files:
        if tree.is_binary(name) or not is_prose_or_code(tree, name) or "/corpora/" in name:
            continue
        content = tree.text(name)
        if content and not content.endswith("\n"):
            yield finding(name, content.count("\n") + 1, "no newline at the end", "end the last line")
        wide = is_code(tree, name)
        for number, line in enumerate(lines_of(content), 1):
            if line.endswith("\r"):
                yield finding(name, number, "CRLF line ending", "use LF")
            elif line != line.rstrip():
                yield finding(name, number, "trailing whitespace", "remove it")
            if "\t" in line and name.endswith((".c", ".h", ".py", ".cmake")):
                yield finding(name, number, "tab", "indent with 4 spaces; write \\t in a string")
            if wide and len(line) > rules.LINE_COLUMNS_MAX:
                yield finding(name, number, f"{len(line)} columns", f"wrap it at {rules.LINE_COLUMNS_MAX}")
            found = words.search(line)
            if found:
                yield finding(name, number, f"{found.group(1)} promises work", "do it, or open an issue")


@check
def paths(tree):
    """folders of the machine that built it"""
    pattern = re.compile(r"(?<![\w.])(" + "|".join(map(re.escape, rules.MACHINE_PATHS)) + ")")
    for name in tree.files:
        if tree.is_binary(name):
            continue
        for number, line in enumerate(lines_of(tree.text(name)), 1):
            found = pattern.search(line)
            if found:
                yield finding(name, number, f"path of a build machine ({found.group(1)})",
                              "use a relative path or an option")


@check
def sizes(tree):
    """functions, files and headers over their limits"""
    for name in tree.files:
        if not is_code(tree, name) or tree.is_binary(name):
            continue
        count = tree.text(name).count("\n")
        limit = rules.HEADER_LINES_MAX if name.endswith(".h") else rules.FILE_LINES_MAX
        if count > limit:
            yield finding(name, limit + 1, f"{count} lines, the limit is {limit}", "split it by what it is about")
    for name in tree.c_files():
        lines = lines_of(tree.text(name))
        for function in source.functions(tree.text(name)):
            length = function.last - function.first + 1
            if length <= rules.FUNCTION_LINES_MAX or is_waived(lines, function):
                continue
            yield finding(name, function.first, f"{function.name}() has {length} lines, the limit is "
                          f"{rules.FUNCTION_LINES_MAX}", "split it, or say why not in the line before: "
                          "/* lint: long: <reason> */")


def is_waived(lines, function):
    before = lines[function.first - 2] if function.first >= 2 else ""
    return re.search(r"/\* lint: long: \S.*\*/", before) is not None


@check
def blobs(tree):
    """files too large to be read by anyone"""
    allowed = {name: why for name, why in read_table(tree, BLOBS)}
    for name in tree.files:
        size = len(tree.bytes(name))
        if size > rules.BLOB_BYTES_MAX and name not in allowed:
            yield finding(name, 1, f"{size} bytes, the limit is {rules.BLOB_BYTES_MAX}",
                          f"make it at build time, or list it with its reason in {BLOBS}")
    for name in allowed:
        if name not in tree.files:
            yield finding(BLOBS, 1, f"{name} is listed and does not exist", "remove the line")


def read_table(tree, name):
    """(first word, rest) of each line of a small table; # starts a comment."""
    if name not in tree.files:
        return
    for line in lines_of(tree.text(name)):
        words = line.split("#")[0].split(None, 1)
        if words:
            yield words[0], words[1].strip() if len(words) > 1 else ""


@check
def guards(tree):
    """include guards that follow from the path, and the prose that opens a header"""
    for name in tree.headers():
        content = tree.text(name)
        guard = "NOTCH_" + re.sub(r"[^A-Za-z0-9]", "_", name).upper()
        first = re.search(r"^[ \t]*#[ \t]*(\w+)[ \t]*(\w*)", source.strip_comments(content), re.MULTILINE)
        if not first or first.groups() != ("ifndef", guard) or f"#define {guard}\n" not in content:
            line = source.line_of(content, first.start()) if first else 1
            yield finding(name, line, "include guard does not follow from the path", f"use {guard}")
        if not content.startswith("/*"):
            yield finding(name, 1, "header without an opening comment",
                          "say what it is, who owns what, its limits, units, thread and errors")


@check
def layers(tree):
    """includes against the drawing of the layers, headers of other projects, circles"""
    for name in tree.c_files():
        for line, included, quoted in source.includes(tree.text(name)):
            if quoted:
                yield from own_include(tree, name, line, included)
            else:
                yield from foreign_include(name, line, included)
    yield from circles(tree)


def own_include(tree, name, line, included):
    if included.endswith(".inc"):  # made at build time, into the build folder
        return
    if included not in tree.files:
        yield finding(name, line, f'"{included}" is no file of the tree',
                      "include it from the root, or with <> if it is a library")
        return
    source_folder, target_folder = folder_of(name), folder_of(included)
    if is_outside(name):
        return
    if is_outside(included):
        yield finding(name, line, f"the product includes {included}", "move what is needed into the product")
        return
    if source_folder is None or target_folder is None:
        stray = name if source_folder is None else included
        yield finding(name, line, f"{stray} is in no folder of the drawing",
                      "add it to LAYERS in contrib/lint/rules.py")
        return
    if not may_include(source_folder, target_folder, included):
        reach = ", ".join(sorted(reachable(source_folder)[0])) or "nothing of ours"
        yield finding(name, line, f"{source_folder} may not include {included}",
                      f"{source_folder} sees {reach}; pass the value in, or move the code")


def reachable(folder):
    """(folders, single headers) that a folder may include, itself aside."""
    folders, headers, todo = set(), set(), list(rules.LAYERS[folder])
    while todo:
        target = todo.pop()
        if target.endswith(".h"):
            headers.add(target)
        elif target not in folders:
            folders.add(target)
            todo += rules.LAYERS[target]
    return folders, headers


def may_include(folder, target, included):
    folders, headers = reachable(folder)
    return target == folder or target in folders or included in headers


def foreign_include(name, line, included):
    folder = folder_of(name)
    if is_outside(name) or folder is None:
        return
    for prefix, folders, role in rules.THIRD_PARTY:
        if included.startswith(prefix):
            if folder not in folders:
                yield finding(name, line, f"<{included}> ({role}) in {folder}", "it belongs in " + " or ".join(folders))
            return
    allowed = set(rules.PURE_SYSTEM) | rules.PURE_SYSTEM_EXTRA.get(folder, set())
    if included in allowed:
        return
    if folder in rules.PURE:
        yield finding(name, line, f"<{included}> in the pure folder {folder}",
                      "make it an effect; the io folders may include it")
    elif included not in rules.HOSTED_SYSTEM and not included.startswith(rules.HOSTED_SYSTEM_FOLDERS):
        yield finding(name, line, f"<{included}> is not known",
                      "add it to THIRD_PARTY in contrib/lint/rules.py with its folders")


def circles(tree):
    edges = {}
    for name in tree.headers():
        edges[name] = [inc for _, inc, quoted in source.includes(tree.text(name)) if quoted and inc in tree.files]
    # Take away, again and again, the headers that include nothing more: what stays is in or behind a circle.
    left = dict(edges)
    while True:
        leaves = [name for name, targets in left.items() if not any(target in left for target in targets)]
        if not leaves:
            break
        for name in leaves:
            del left[name]
    if left:
        start = sorted(left)[0]
        walk = [start]
        while walk.count(walk[-1]) < 2:
            walk.append(next(target for target in left[walk[-1]] if target in left))
        circle = walk[walk.index(walk[-1]):]
        yield finding(circle[0], 1, "circular include " + " -> ".join(circle),
                      "declare the struct forward in one of them")


@check
def banned(tree):
    """calls that are refused, with their replacement"""
    for name in tree.c_files():
        refused = dict(rules.BANNED_EVERYWHERE)
        if not is_outside(name):
            refused.update(rules.BANNED_IN_PRODUCT)
        if folder_of(name) in rules.PURE:
            refused.update(rules.BANNED_IN_PURE)
        for line, call in source.calls(tree.text(name)):
            if call in refused and (name, call) not in rules.BANNED_EXCEPT:
                yield finding(name, line, f"{call}() is refused here", f"use {refused[call]}")


@check
def raw(tree):
    """reads of `.raw`, the inside of a unit, outside base: a count per file that may only fall"""
    listed = {name: int(count) for name, count in read_table(tree, RAW_ACCESS)}
    counts = raw_counts(tree)
    for name in sorted(set(listed) | set(counts)):
        allowed, lines = listed.get(name, 0), counts.get(name, [])
        if len(lines) > allowed:
            yield finding(name, lines[-1], f"{len(lines)} reads of .raw without a reason, {allowed} allowed",
                          "use the checked functions of base/fixed.h, or say why in a /* Raw: */ comment")
        elif len(lines) < allowed:
            yield finding(RAW_ACCESS, 1, f"{name} has {len(lines)} reads of .raw, {allowed} are listed",
                          "keep what was won: lower the figure (tidy.py --baseline)")


def raw_counts(tree):
    """The lines of each file that look inside a unit and do not say why."""
    counts = {}
    for name in tree.c_files():
        if is_outside(name) or folder_of(name) == "base":
            continue
        content = tree.text(name)
        code = source.strip_comments_and_strings(content)
        excused = excused_lines(content)
        for match in re.finditer(r"(?:\.|->)\s*raw\b", code):
            line = source.line_of(code, match.start())
            if line not in excused:
                counts.setdefault(name, []).append(line)
    return counts


def excused_lines(content):
    """Lines with a Raw: comment, and functions with one inside or in the comment right before them."""
    lines = lines_of(content)
    noted = {number for number, line in enumerate(lines, 1) if re.search(r"(/\*|//|^\s*\*).*\bRaw:", line)}
    excused = set(noted)
    for function in source.functions(content):
        first = function.first
        while first >= 2 and re.match(r"\s*(/\*|\*|//)", lines[first - 2]):
            first -= 1
        if any(first <= number <= function.last for number in noted):
            excused.update(range(first, function.last + 1))
    return excused


def write_baseline(tree):
    counts = raw_counts(tree)
    head = "# Reads of .raw without a reason, by file. A figure may fall, never rise (contrib/lint/tidy.py raw).\n"
    rows = "".join(f"{name} {len(lines)}\n" for name, lines in sorted(counts.items()))
    (tree.root / RAW_ACCESS).write_text(head + rows, encoding="utf-8")


@check
def headers(tree):
    """each header compiles alone"""
    compiler = os.environ.get("CC", "cc")
    flags = ["-std=c17", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-I{tree.root}"]

    def compile_alone(name):
        code = f'#include "{name}"\n'
        command = [compiler, *flags, "-x", "c", "-"]
        done = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
        return name, done.returncode, done.stderr

    names = tree.headers()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, status, errors in pool.map(compile_alone, names):
            if status != 0:
                first = next((line for line in errors.split("\n") if "error" in line), "error")
                yield finding(name, 1, f"does not compile alone ({first.split('error:')[-1].strip()})",
                              "include or declare what it uses")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="checks to run (all)")
    here = str(Path(__file__).resolve().parents[2])
    parser.add_argument("--root", default=here, help="the tree (the one this is in)")
    parser.add_argument("--list", action="store_true", help="list the checks")
    parser.add_argument("--baseline", action="store_true", help=f"rewrite {RAW_ACCESS}")
    options = parser.parse_args()
    if options.list:
        for name, function in CHECKS.items():
            print(f"{name:8} {function.__doc__}")
        return 0
    unknown = [name for name in options.checks if name not in CHECKS]
    if unknown:
        parser.error(f"no such check: {' '.join(unknown)} (there are: {' '.join(CHECKS)})")
    tree = source.Tree(options.root)
    if options.baseline:
        write_baseline(tree)
        return 0
    findings = [line for name in options.checks or CHECKS for line in CHECKS[name](tree)]
    for line in findings:
        print(line)
    print(f"tidy: {len(tree.files)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
