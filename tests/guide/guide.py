#!/usr/bin/env python3
"""guide.py PROGRAM GUIDE: runs each section of the guide as a bot of its own, with its conversation as the test.

The fenced blocks of a section marked `lua` are its rules, those marked `chat` its conversation; one needs the other. Names and
lines of what is wrong are those of the guide."""
import pathlib
import re
import subprocess
import sys
import tempfile

BOT = """bot { name = "guide", language = "en" }
models { main = scripted { "…" } }
transports { stdin {} }
pipeline { rules { dir = "rules", config = { api = "http://shop.example" } }, ask { model = "main" } }
"""


def sections(text):
    """Title and blocks { language: text } of each section; the blocks' lines stand where they do in the guide."""
    title, blocks, language = None, {}, None
    for line in text.split("\n"):
        if line.startswith("## ") and language is None:
            if title:
                yield title, blocks
            title, blocks = line[3:], {}
        fence = re.match(r"```(\w*)$", line)
        if fence:
            language = fence[1] or None if language is None else None
        for name in ("lua", "chat"):
            blocks.setdefault(name, []).append(line if language == name and not fence else "")
    if title:
        yield title, blocks


def run(program, title, blocks, skipped):
    rules, chat = ("\n" * skipped + "\n".join(blocks[name]) for name in ("lua", "chat"))
    if not rules.strip() and not chat.strip():
        return True
    if not rules.strip() or not chat.strip():
        print(f"'{title}': rules without a conversation, or a conversation without rules")
        return False
    with tempfile.TemporaryDirectory() as folder:
        bot = pathlib.Path(folder)
        (bot / "rules").mkdir()
        (bot / "tests").mkdir()
        (bot / "bot.lua").write_text(BOT)
        (bot / "rules/guide.lua").write_text(rules)
        (bot / "tests/guide.chat").write_text(chat)
        done = subprocess.run([program, "test", "-c", bot / "bot.lua", "--shred"], capture_output=True, text=True)
    if done.returncode != 0:
        print(f"## {title}\n{done.stdout}{done.stderr}")
    return done.returncode == 0


def main():
    program, guide = sys.argv[1:]
    text = pathlib.Path(guide).read_text()
    skipped = text[: text.index("\n## ")].count("\n") + 1
    results = []
    for title, blocks in sections(text):
        results.append(run(program, title, blocks, skipped))
        skipped += len(blocks["lua"])
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) and len(results) > 20 else 1


if __name__ == "__main__":
    sys.exit(main())
