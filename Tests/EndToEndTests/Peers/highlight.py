"""Reads graphs as an editor does: with the TextMate grammar, by a port of the engine of VS Code.

usage: highlight.py GRAMMAR GRAPH…
Prints a JSON object a line: the text of each token and the last of its scopes.
"""

import json
import logging
import sys

from textmate_grammar.parsers.base import LanguageParser

logging.disable(logging.CRITICAL)
with open(sys.argv[1], encoding="utf-8") as file:
    parser = LanguageParser(json.load(file))
for path in sys.argv[2:]:
    with open(path, encoding="utf-8") as file:
        tokens = parser.parse_string(file.read()).flatten()
    for place, text, scopes in tokens:
        print(json.dumps({"file": path, "line": place[0] + 1, "text": text, "scope": scopes[-1]}))
