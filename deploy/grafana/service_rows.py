"""Panels of what the service answers: its state at a glance, decisions, requests."""

from deploy.grafana.panel import (
    LATENCY_OBJECTIVE_SECONDS,
    MARKET_AGE_SECONDS,
    Panel,
    latency,
    quantile,
    rate,
    share_within,
)

ACCEPT_RATIO = (
    rate("margingate_decisions_total", "job", '@, decision="accept"')
    + " / "
    + rate("margingate_decisions_total", "job")
)

NOW = (
    Panel(
        title="Ledger healthy",
        description="1 while every instance can decide and commit. At 0 no order is accepted.",
        unit="none",
        queries=(("min(margingate_ledger_healthy{@})", "healthy"),),
        kind="stat",
        red_below=1,
    ),
    Panel(
        title="Kill switches engaged",
        description="How many kill switches refuse orders now, over all scopes.",
        unit="none",
        queries=(("sum(margingate_kill_switch_active{@})", "engaged"),),
        kind="stat",
        red_from=1,
    ),
    Panel(
        title="Oldest price",
        description="Age of the oldest index price. Checks refuse to rest on a stale one.",
        unit="s",
        queries=(("max(margingate_market_data_age_seconds{@})", "age"),),
        kind="stat",
        red_from=MARKET_AGE_SECONDS,
    ),
    Panel(
        title="Version",
        description="Version of the package that serves, with its number of instances.",
        unit="none",
        queries=(("count by (version) (margingate_build_info{@})", "{{version}}"),),
        kind="stat",
        shows_name=True,
    ),
    Panel(
        title="Parameters",
        description="Digest of each model's parameters. Two digests of one model are a skew.",
        unit="none",
        queries=(
            (
                "count by (model, digest) (margingate_parameters_info{@})",
                "{{model}} {{digest}}",
            ),
        ),
        kind="stat",
        shows_name=True,
    ),
    Panel(
        title="Market version",
        description="Version of the market snapshot in use. It must keep growing.",
        unit="none",
        queries=(("margingate_market_version{@}", "{{instance}}"),),
        kind="stat",
    ),
)

DECISIONS = (
    Panel(
        title="Decisions by verdict and reason",
        description="Fresh decisions of CheckOrder, BatchCheckOrders and AmendOrder.",
        unit="ops",
        queries=(
            (rate("margingate_decisions_total", "decision, reason"), "{{decision}} {{reason}}"),
        ),
    ),
    Panel(
        title="Accept ratio",
        description="Accepted share of the fresh decisions.",
        unit="percentunit",
        queries=((ACCEPT_RATIO, "accepted"),),
    ),
    Panel(
        title="Previews by verdict and reason",
        description="Previewed decisions; they hold nothing.",
        unit="ops",
        queries=(
            (rate("margingate_previews_total", "decision, reason"), "{{decision}} {{reason}}"),
        ),
    ),
    Panel(
        title="Replayed decisions",
        description="Remembered answers given again: a router that retries, so look at latency.",
        unit="ops",
        queries=((rate("margingate_decisions_replayed_total", "job"), "replayed"),),
    ),
    Panel(
        title="Unusual fills and releases",
        description="Fills and releases that did not match an open order, by what was unusual.",
        unit="ops",
        queries=((rate("margingate_lifecycle_flags_total", "flag"), "{{flag}}"),),
    ),
)

REQUESTS = (
    Panel(
        title="Requests by method",
        description="Finished gRPC requests.",
        unit="reqps",
        queries=((rate("margingate_grpc_requests_total", "method"), "{{method}}"),),
    ),
    Panel(
        title="gRPC codes",
        description="Finished requests by status. A rejected order is OK; INTERNAL is a defect.",
        unit="reqps",
        queries=((rate("margingate_grpc_requests_total", "grpc_code"), "{{grpc_code}}"),),
    ),
    Panel(
        title="In flight and shed",
        description="Requests being answered, and requests per second refused for overload.",
        unit="none",
        queries=(
            ("sum(margingate_inflight_requests{@})", "in flight"),
            (rate("margingate_shed_total", "reason"), "shed: {{reason}}"),
        ),
    ),
    latency(0.5, "p50"),
    latency(0.99, "p99", LATENCY_OBJECTIVE_SECONDS),
    latency(0.999, "p99.9"),
    Panel(
        title="CheckOrder within its objective",
        description="Share answered within 2 ms (objective 99 %) and within 10 ms (99.9 %).",
        unit="percentunit",
        queries=((share_within("0.002"), "within 2 ms"), (share_within("0.01"), "within 10 ms")),
    ),
    Panel(
        title="Stages p50",
        description="Median time of each stage of a check.",
        unit="s",
        queries=((quantile(0.5, "margingate_check_duration_seconds", "stage"), "{{stage}}"),),
    ),
    Panel(
        title="Stages p99",
        description="99th percentile of each stage of a check.",
        unit="s",
        queries=((quantile(0.99, "margingate_check_duration_seconds", "stage"), "{{stage}}"),),
    ),
)
