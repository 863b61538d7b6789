"""The command line of `postern rules`: looking at rules. What changes a service stands in `changing`."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import typer

from postern.message import parse_message
from postern.rules.definitions import Rule, RuleBook, RuleKind
from postern.rules.engine import compile_rules
from postern.rules.review import Remark, Severity, review
from postern.rules.rule_set import RuleSet
from postern_aws.rule_sets import S3RuleSets
from postern_cli.console import AsJson, ExitCode, err, fail, out, print_json
from postern_cli.options import with_service
from postern_cli.rules import changing
from postern_cli.rules.presentation import (
    TriedMessage,
    definition,
    remark_facts,
    remark_line,
    rule_explained,
    rule_facts,
    rules_table,
    tree_facts,
    tried,
)
from postern_cli.rules.sources import RuleFilesError, read_book
from postern_cli.scan.case import read_message
from postern_cli.scan.case_error import CaseError
from postern_cli.service import Output, Service

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Look at the spam filter's rules, and bring your own."
)

Files = Annotated[list[Path], typer.Argument(help="Rule files, or folders with .cf files.")]
Messages = Annotated[list[Path] | None, typer.Argument(help="Messages to try the rule on.")]
Beside = Annotated[
    list[Path] | None, typer.Option("--rules", help="Rule files, or a folder of them; can be given several times.")
]
Stored = Annotated[bool, typer.Option("--stored", help="And those that the service has stored.")]
WithoutShipped = Annotated[bool, typer.Option("--alone", help="Without the rules that come with Postern.")]


for changing_command in (
    changing.put,
    changing.remove,
    changing.status,
    changing.install,
    changing.uninstall,
    changing.update,
    changing.rollback,
    changing.trust,
):
    app.command()(changing_command)


@app.callback()
def rules() -> None:
    """Look at the spam filter's rules, bring your own."""


@app.command()
@with_service
def check(
    service: Service,
    files: Files,
    alone: WithoutShipped = False,
    stored: Stored = False,
    strict: Annotated[bool, typer.Option("--strict", help="Notes end the command with 1 as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with rule files, line by line.

    They are read after the rules that come with Postern, as they would be in force. Errors are rules that cannot work
    (a pattern that does not compile, a function that is not known); notes are rules that are defined twice, metas that
    name what is not defined, points for nobody. The exit code is 1 when there are errors, 2 when a file cannot be read.

    Examples:

      postern rules check local.cf

      postern rules check /usr/share/spamassassin --alone
    """
    book, given = _book(service, files, shipped=not alone, stored=stored)
    remarks = [one for one in review(book) if one.place.file in given]
    mine = [rule for rule in book.rules.values() if rule.place.file in given]
    bad = any(one.severity is Severity.ERROR or strict for one in remarks)
    if as_json:
        print_json({"files": len(given), "rules": len(mine), "remarks": [remark_facts(one) for one in remarks]})
    else:
        for one in remarks:
            out.print(remark_line(one), soft_wrap=True)
        err.print(_summary(len(given), len(mine), remarks), style="dim")
    raise typer.Exit(int(ExitCode.NOT_DONE if bad else ExitCode.DONE))


@app.command("list")
@with_service
def list_(  # noqa: PLR0913, PLR0917 - one parameter per option of the command line
    service: Service,
    pattern: Annotated[str, typer.Argument(help="Only rules whose name fits, such as 'HTML_*'.")] = "*",
    beside: Beside = None,
    stored: Stored = False,
    alone: WithoutShipped = False,
    kind: Annotated[RuleKind | None, typer.Option("--type", help="Only rules of this type.")] = None,
    containing: Annotated[str, typer.Option(help="Only rules with this text in description or definition.")] = "",
    sub_rules: Annotated[bool, typer.Option("--sub-rules", help="Sub-rules (__NAME) as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """List rules: name, points, type, what they look at, description. Those that are not run are dim.

    Examples:

      postern rules list 'PHISH*'

      postern rules list --rules /usr/share/spamassassin --alone --type header --containing Received
    """
    book, _ = _book(service, beside or [], shipped=not alone, stored=stored)

    def is_meant(rule: Rule) -> bool:
        texts = (book.descriptions.get(rule.name, ""), definition(rule))
        return (
            fnmatchcase(rule.name, pattern)
            and (kind is None or rule.kind is kind)
            and (sub_rules or not rule.is_sub_rule)
            and any(containing.lower() in text.lower() for text in texts)
        )

    found = sorted((rule for rule in book.rules.values() if is_meant(rule)), key=lambda rule: rule.name)
    if as_json:
        print_json([rule_facts(book, rule) for rule in found])
    else:
        out.print(rules_table(book, found))
        err.print(f"{len(found)} of {len(book.rules)} rules", style="dim")


@app.command()
@with_service
def explain(
    service: Service,
    rule: Annotated[str, typer.Argument(help="The name of a rule.")],
    messages: Messages = None,
    beside: Beside = None,
    stored: Stored = False,
    alone: WithoutShipped = False,
    as_json: AsJson = False,
) -> None:
    """Explain a rule: where and how it is defined, what it looks at, its points and where they were set.

    A meta shows what it is made of as a tree. With messages, it says which of them the rule hits; in the tree ● is a
    part that hits and ○ one that does not, one for each message.

    Examples:

      postern rules explain ADVANCE_FEE mail.eml
    """
    book, _ = _book(service, beside or [], shipped=not alone, stored=stored)
    if rule not in book.rules:
        near = [name for name in book.rules if rule.upper() in name.upper()][:5]
        fail(f"there is no rule {rule!r}", hint=f"Similar: {', '.join(near)}" if near else "", code=ExitCode.NOT_DONE)
    remarks = review(book, {rule})
    seen = _try(book, rule, messages or [])
    if as_json:
        print_json(_explanation(book, rule, remarks, seen))
    else:
        out.print(rule_explained(book, book.rules[rule], remarks, seen))


def _book(service: Service, paths: list[Path], *, shipped: bool, stored: bool) -> tuple[RuleBook, frozenset[str]]:
    try:
        return read_book(paths, shipped=shipped, stored=_stored(service) if stored else None)
    except RuleFilesError as wrong:
        fail(str(wrong), code=ExitCode.USAGE)


def _stored(service: Service) -> RuleSet:
    published = S3RuleSets(service.s3, service.output(Output.MESSAGE_BUCKET)).read()
    return published.rule_set if published else RuleSet()


def _try(book: RuleBook, rule: str, messages: list[Path]) -> list[TriedMessage]:
    if not messages:
        return []
    compiled = compile_rules(book)
    try:
        return [tried(str(path), compiled.evaluate(parse_message(read_message(path))), rule) for path in messages]
    except CaseError as wrong:
        fail(str(wrong), code=ExitCode.USAGE)


def _explanation(book: RuleBook, rule: str, remarks: Sequence[Remark], seen: Sequence[TriedMessage]) -> dict[str, Any]:
    facts = rule_facts(book, book.rules[rule])
    hits = [{"message": one.name, "hits": one.counts.get(rule, 0), "matched": one.matched} for one in seen]
    told = {"remarks": [remark_facts(one) for one in remarks], "parts": tree_facts(book, rule)}
    return {**facts, **told, "messages": hits}


def _summary(files: int, rules_read: int, remarks: list[Remark]) -> str:
    errors = sum(one.severity is Severity.ERROR for one in remarks)
    return f"{_many(rules_read, 'rule')} in {_many(files, 'file')}: " + ", ".join(
        (_many(errors, "error"), _many(len(remarks) - errors, "note"))
    )


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
