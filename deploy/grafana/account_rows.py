"""Panels of how accounts stand, all together."""

from deploy.grafana.panel import Panel, quantile, rate

ACCOUNTS = (
    Panel(
        title="Accounts by margin state",
        description="At the latest prices. Unknown: something held has no price to rely on.",
        unit="none",
        queries=(("sum by (state) (margingate_accounts_by_state{@})", "{{state}}"),),
    ),
    Panel(
        title="Accounts by margin ratio",
        description="Accounts whose maintenance margin is at least so much of their equity.",
        unit="none",
        queries=(("sum by (ratio) (margingate_accounts_by_margin_ratio{@})", "from {{ratio}}"),),
    ),
    Panel(
        title="Account failures",
        description="Times per second that an account's margin could not be worked out.",
        unit="ops",
        queries=((rate("margingate_account_failures_total", "instance"), "{{instance}}"),),
    ),
    Panel(
        title="Margin states published",
        description="Changes per second, by the state that accounts came into.",
        unit="ops",
        queries=((rate("margingate_margin_states_published_total", "state"), "{{state}}"),),
    ),
    Panel(
        title="Margining all accounts",
        description="Time beside the decisions, each time that prices or holdings changed.",
        unit="s",
        queries=(
            (quantile(0.5, "margingate_accounts_revaluation_duration_seconds"), "p50"),
            (quantile(0.99, "margingate_accounts_revaluation_duration_seconds"), "p99"),
        ),
    ),
)
