"""The command line of `postern cost`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from postern.catalog import CHECKS
from postern.wire import to_json
from postern.workflow import Packing
from postern_cli.console import AsJson, out, print_json
from postern_cli.cost.assumptions import Assumptions
from postern_cli.cost.model import MILLION, Bill, bill, dollars, early_exit_saves
from postern_cli.cost.prices import LOOKED_UP, PRICES, REGION
from postern_cli.cost.units import Besides, Fate, MeasuredUnits, MessageUse, PackingUse, measured_units

app = typer.Typer(add_completion=False)

DEFAULTS = Assumptions()
FATES = {
    Fate.ACCEPTED: "accepted, to one mailbox",
    Fate.REFUSED: "refused after all checks",
    Fate.REFUSED_EARLY: "refused in the first stage",
    Fate.GREYLISTED: "greylisted, each attempt",
}
BESIDES = {
    Besides.OUTGOING: "sent to one recipient elsewhere",
    Besides.LEARNT: "learnt",
}


@app.command()
def cost(  # noqa: PLR0913, PLR0917 - one parameter per assumption
    messages: Annotated[
        float, typer.Option("--messages", "-m", min=0, help="Incoming messages a month.")
    ] = DEFAULTS.messages_per_month,
    outgoing: Annotated[
        float, typer.Option(min=0, help="Messages a month that people here send elsewhere.")
    ] = DEFAULTS.outgoing_per_month,
    learnt: Annotated[
        float, typer.Option(min=0, help="Messages a month that the filter learns.")
    ] = DEFAULTS.learnt_per_month,
    accepted: Annotated[
        float, typer.Option(min=0, max=1, help="Share that is accepted and delivered.")
    ] = DEFAULTS.accepted_share,
    early: Annotated[
        float, typer.Option(min=0, max=1, help="Share that is refused in the first stage.")
    ] = DEFAULTS.early_share,
    greylisted: Annotated[
        float, typer.Option(min=0, max=1, help="Share that is asked to come back; it counts again when it does.")
    ] = DEFAULTS.greylisted_share,
    message_kb: Annotated[
        float | None, typer.Option(min=0, help="Size of a message for load balancer and storage. [as measured]")
    ] = None,
    processor: Annotated[
        float, typer.Option(min=0.1, max=20, help="How much slower Lambda's processor is than the measured one.")
    ] = DEFAULTS.processor,
    dns_ms: Annotated[float, typer.Option(min=0, help="Milliseconds of one DNS question.")] = DEFAULTS.dns_ms,
    cold: Annotated[float, typer.Option(min=0, max=1, help="Share of cold starts.")] = DEFAULTS.cold_share,
    tasks: Annotated[int, typer.Option(min=1, max=100, help="Tasks of the front end.")] = DEFAULTS.tasks,
    packing: Annotated[Packing | None, typer.Option(help="Only this packing of the checks. [both]")] = None,
    as_json: AsJson = False,
) -> None:
    """What the service costs: dollars per million messages and per month, line by line, for each packing.

    The units were measured, the prices looked up; docs/cost.md says how. What no measurement can tell is an option.

    Examples:

      postern cost

      postern cost --messages 200000 --accepted 0.3 --early 0.4 --packing stage

      postern cost --messages 200000 --outgoing 20000 --learnt 2000
    """
    assumed = Assumptions(
        messages_per_month=messages,
        outgoing_per_month=outgoing,
        learnt_per_month=learnt,
        accepted_share=accepted,
        early_share=early,
        greylisted_share=greylisted,
        message_kb=message_kb,
        processor=processor,
        dns_ms=dns_ms,
        cold_share=cold,
        tasks=tasks,
    )
    units = measured_units()
    wanted = [one for one in Packing if packing in (None, one)]
    bills = {one: bill(units.packings[one.value], assumed, PRICES) for one in wanted}
    if as_json:
        print_json(_told(units, assumed, bills))
    else:
        out.print(_report(units, assumed, bills))


def _told(units: MeasuredUnits, assumed: Assumptions, bills: dict[Packing, Bill]) -> dict[str, Any]:
    return {
        "prices": {"region": REGION, "looked_up": LOOKED_UP},
        "units": {"measured_on": units.measured_on, "machine": units.machine, "python": units.python},
        "assumptions": {
            name: getattr(assumed, name) for name in Assumptions.__dataclass_fields__ if name != "latency_ms"
        },
        "packings": {
            packing.value: {
                **to_json(one),
                "units_per_message": {
                    name: _units_of(use) for name, use in _every_use(units.packings[packing.value]).items()
                },
                "dollars_per_million": round(one.million, 4),
                **{f"dollars_per_million_{kind}": round(dollars(lines), 4) for kind, lines in one.besides.items()},
                "dollars_per_month_fixed": round(one.fixed, 4),
                "dollars_per_month": round(one.month(assumed), 4),
                "early_exit_saves_per_million": round(
                    early_exit_saves(units.packings[packing.value], assumed, PRICES), 4
                ),
            }
            for packing, one in bills.items()
        },
    }


def _report(units: MeasuredUnits, assumed: Assumptions, bills: dict[Packing, Bill]) -> RenderableType:
    first = next(iter(bills.values()))
    saved = ", ".join(
        f"{early_exit_saves(units.packings[packing.value], assumed, PRICES):.2f} per {packing.value}"
        for packing in bills
    )
    return Group(
        _per_million(bills),
        _besides(bills),
        _per_month(first),
        _totals(assumed, bills),
        _units(units, bills),
        Text(),
        Text(f"A refusal in the first stage saves, in dollars per million: {saved}.", style="dim"),
        Text(
            f"Prices: {REGION}, looked up on {LOOKED_UP}. Units: {len(units.checks)} checks, measured on"
            f" {units.measured_on} ({units.machine}).",
            style="dim",
        ),
        *_outdated(units),
    )


def _outdated(units: MeasuredUnits) -> list[Text]:
    """Whether checks came or went since the measurement."""
    if set(units.checks) == set(CHECKS):
        return []
    return [Text(f"There are {len(CHECKS)} checks now; measure again: python -m bench.cost_units", style="yellow")]


def _per_million(bills: dict[Packing, Bill]) -> Table:
    table = _table("Dollars per million messages", bills)
    for lines in zip(*(one.per_million for one in bills.values()), strict=True):
        quantity = " / ".join(_quantity(line.quantity) for line in lines)
        table.add_row(lines[0].item, f"{quantity} {lines[0].unit}", *(f"{line.dollars:.2f}" for line in lines))
    table.add_row("", "", *(Text(f"{one.million:.2f}", style="bold") for one in bills.values()))
    return table


def _besides(bills: dict[Packing, Bill]) -> Table:
    table = _table("Dollars per million messages of other kinds", bills)
    for kind, item in BESIDES.items():
        table.add_row(item, "", *(f"{dollars(one.besides[kind]):.2f}" for one in bills.values()))
    return table


def _per_month(one: Bill) -> Table:
    table = Table(title="\nDollars a month without any mail", title_justify="left", title_style="bold", box=None)
    table.add_column("item")
    table.add_column("how many", justify="right")
    table.add_column("$", justify="right")
    for line in one.per_month:
        table.add_row(line.item, f"{line.quantity:g} {line.unit}", f"{line.dollars:.2f}")
    table.add_row("", "", Text(f"{one.fixed:.2f}", style="bold"))
    return table


def _totals(assumed: Assumptions, bills: dict[Packing, Bill]) -> Table:
    others = "".join(f", {number:,.0f} {kind}" for kind, number in assumed.besides().items() if number)
    table = _table(f"Dollars a month with {assumed.messages_per_month:,.0f} messages{others}", bills)
    months = [one.month(assumed) for one in bills.values()]
    table.add_row("in all", "", *(Text(f"{month:.2f}", style="bold green") for month in months))
    thousands = max(1.0, assumed.messages_per_month + assumed.outgoing_per_month) / 1000
    each = [month / thousands for month in months]
    table.add_row("per thousand that come or go", "", *(f"{thousand:.3f}" for thousand in each))
    return table


def _units(units: MeasuredUnits, bills: dict[Packing, Bill]) -> Table:
    """Write and read units of DynamoDB that one message uses, by what becomes of it."""
    table = _table("DynamoDB units per message", bills)
    uses = [_every_use(units.packings[packing.value]) for packing in bills]
    for kind, item in (FATES | BESIDES).items():
        cells = [_units_of(one[kind.value]) for one in uses]
        table.add_row(item, "", *(f"{one['write_units']:.1f} written, {one['read_units']:.1f} read" for one in cells))
    return table


def _every_use(packing: PackingUse) -> dict[str, MessageUse]:
    return {**packing.fates, **packing.besides}


def _units_of(use: MessageUse) -> dict[str, float]:
    return {"write_units": round(use.write_units, 2), "read_units": round(use.read_units, 2)}


def _table(title: str, bills: dict[Packing, Bill]) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", title_style="bold", box=None)
    table.add_column("item")
    table.add_column("how many", justify="right", style="dim", overflow="fold")
    for packing in bills:
        table.add_column(f"per {packing.value}", justify="right")
    return table


def _quantity(number: float) -> str:
    return f"{number / MILLION:.2f}M" if number >= MILLION / 10 else f"{number:,.1f}"
