"""What a panel is, and the queries that panels are made of."""

from dataclasses import dataclass

# Equal to the thresholds of the alerts; a test compares.
MARKET_AGE_SECONDS = 10.0
MARK_AGE_SECONDS = 60.0
DISK_FREE_BYTES = 1e9
TURN_AGE_SECONDS = 15.0
LATENCY_OBJECTIVE_SECONDS = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. queries: expression (`@` stands for the selected job and instances) and legend."""

    title: str
    description: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"
    red_from: float | None = None
    red_below: float | None = None
    shows_name: bool = False


def rate(metric: str, by: str, labels: str = "@") -> str:
    """Increase per second, summed by labels."""
    return f"sum by ({by}) (rate({metric}{{{labels}}}[$__rate_interval]))"


def quantile(share: float, metric: str, by: str = "") -> str:
    """Quantile of a histogram over the instances, by labels."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {rate(metric + '_bucket', labels)})"


def share_within(limit_seconds: str) -> str:
    """Share of order checks answered within a limit that is a bucket's bound."""
    checks = '@, method="MarginService/CheckOrder"'
    metric = "margingate_grpc_request_duration_seconds"
    within = rate(f"{metric}_bucket", "job", f'{checks}, le="{limit_seconds}"')
    return f"{within} / {rate(f'{metric}_count', 'job', checks)}"


def latency(share: float, name: str, red_from: float | None = None) -> Panel:
    """Panel of one latency quantile by method."""
    return Panel(
        title=f"Latency {name} by method",
        description=f"{name} of the time from a request's arrival to its answer, in the server.",
        unit="s",
        queries=(
            (quantile(share, "margingate_grpc_request_duration_seconds", "method"), "{{method}}"),
        ),
        red_from=red_from,
    )
