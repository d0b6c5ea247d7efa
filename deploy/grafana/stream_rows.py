"""Panels of what the service pushes: watched accounts and alerts."""

from deploy.grafana.panel import Panel, quantile, rate

STREAMS = (
    Panel(
        title="Open streams by method",
        description="Clients that watch accounts or follow alerts.",
        unit="none",
        queries=(("sum by (method) (margingate_streams_open{@})", "{{method}}"),),
    ),
    Panel(
        title="Stream messages by method",
        description="Messages per second that clients of streams took.",
        unit="ops",
        queries=((rate("margingate_stream_sent_total", "method"), "{{method}}"),),
    ),
    Panel(
        title="Stream ends by reason",
        description="Streams per second that ended or were refused. slow_client did not read.",
        unit="ops",
        queries=((rate("margingate_stream_ends_total", "reason"), "{{reason}}"),),
    ),
    Panel(
        title="Alert delay",
        description="From the record of an alert's event until streams can send it.",
        unit="s",
        queries=(
            (quantile(0.5, "margingate_alert_delay_seconds"), "p50"),
            (quantile(0.99, "margingate_alert_delay_seconds"), "p99"),
        ),
        red_from=1,
    ),
    Panel(
        title="Watched account",
        description="Time to work out the margin of a watched account, beside the decisions.",
        unit="s",
        queries=(
            (quantile(0.5, "margingate_watch_duration_seconds"), "p50"),
            (quantile(0.99, "margingate_watch_duration_seconds"), "p99"),
        ),
    ),
    Panel(
        title="Watched margins conflated",
        description="Per second, margins that gave way to newer ones before they were sent.",
        unit="ops",
        queries=((rate("margingate_watch_conflated_total", "instance"), "{{instance}}"),),
    ),
)
