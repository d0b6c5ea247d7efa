"""Panels of what the service rests on: ledger, market, process."""

from deploy.grafana.panel import (
    DISK_FREE_BYTES,
    MARK_AGE_SECONDS,
    MARKET_AGE_SECONDS,
    TURN_AGE_SECONDS,
    Panel,
    quantile,
    rate,
)

LEDGER = (
    Panel(
        title="Open holds",
        description="Accepted orders whose margin is held.",
        unit="none",
        queries=(("margingate_open_holds{@}", "{{instance}}"),),
    ),
    Panel(
        title="Accounts",
        description="Accounts opened.",
        unit="none",
        queries=(("margingate_accounts{@}", "{{instance}}"),),
    ),
    Panel(
        title="Kill switches by scope",
        description="Kill switches engaged.",
        unit="none",
        queries=(("sum by (scope) (margingate_kill_switch_active{@})", "{{scope}}"),),
    ),
    Panel(
        title="Journal fsync",
        description="Time for a batch of events to become durable; a check waits for one.",
        unit="s",
        queries=(
            (quantile(0.5, "margingate_journal_fsync_duration_seconds"), "p50"),
            (quantile(0.99, "margingate_journal_fsync_duration_seconds"), "p99"),
        ),
    ),
    Panel(
        title="Journal batch size",
        description="Events per commit. It grows with load: the commits are shared.",
        unit="none",
        queries=(
            (quantile(0.5, "margingate_journal_batch_size"), "p50"),
            (quantile(0.99, "margingate_journal_batch_size"), "p99"),
        ),
    ),
    Panel(
        title="Journal bytes",
        description="Bytes made durable per second.",
        unit="Bps",
        queries=((rate("margingate_journal_bytes_total", "instance"), "{{instance}}"),),
    ),
    Panel(
        title="Market store",
        description="Bytes on disk of the markets that decisions cite, kept for the retention.",
        unit="bytes",
        queries=(("margingate_market_store_bytes{@}", "{{instance}}"),),
    ),
    Panel(
        title="Disk left",
        description="Bytes left on the disk of the ledger.",
        unit="bytes",
        queries=(("margingate_ledger_disk_free_bytes{@}", "{{instance}}"),),
        red_below=DISK_FREE_BYTES,
    ),
    Panel(
        title="Snapshots by result",
        description="Snapshots of the ledger that ended, per second.",
        unit="ops",
        queries=((rate("margingate_snapshots_total", "result"), "{{result}}"),),
    ),
    Panel(
        title="Journal events by kind",
        description="Events made durable.",
        unit="ops",
        queries=((rate("margingate_journal_events_total", "kind"), "{{kind}}"),),
    ),
    Panel(
        title="Journal errors",
        description="Commits that failed, in the last 5 minutes. Any is a page.",
        unit="none",
        queries=(
            (
                "sum by (instance) (increase(margingate_journal_errors_total{@}[5m]))",
                "{{instance}}",
            ),
        ),
        red_from=1,
    ),
)

MARKET = (
    Panel(
        title="Market age by underlying",
        description="Time since each index price was received.",
        unit="s",
        queries=(
            (
                "max by (underlying) (margingate_market_data_age_seconds{@})",
                "{{underlying}}",
            ),
        ),
        red_from=MARKET_AGE_SECONDS,
    ),
    Panel(
        title="Mark age by underlying",
        description="Time since instruments' own prices were received: half are as young, and all.",
        unit="s",
        queries=(
            (
                "max by (underlying, quantile) (margingate_market_data_mark_age_seconds{@})",
                "{{underlying}} {{quantile}}",
            ),
        ),
        red_from=MARK_AGE_SECONDS,
    ),
    Panel(
        title="Market updates",
        description="Snapshots put to use per second, and updates that failed, by reason.",
        unit="ops",
        queries=(
            (rate("margingate_market_updates_total", "job"), "updates"),
            (rate("margingate_market_update_errors_total", "reason"), "failed: {{reason}}"),
        ),
    ),
    Panel(
        title="Revaluation",
        description="Time from a market update to new risk arrays and accounts in use.",
        unit="s",
        queries=(
            (quantile(0.5, "margingate_revaluation_duration_seconds"), "p50"),
            (quantile(0.99, "margingate_revaluation_duration_seconds"), "p99"),
        ),
    ),
    Panel(
        title="Instruments",
        description="Listed instruments with and without a price, however old.",
        unit="none",
        queries=(("max by (state) (margingate_instruments{@})", "{{state}}"),),
    ),
    Panel(
        title="Prices not taken by reason",
        description="Prices per second that were not taken as they arrived.",
        unit="ops",
        queries=((rate("margingate_market_data_findings_total", "reason"), "{{reason}}"),),
    ),
    Panel(
        title="Uncertain prices",
        description="Prices that no order may rest on, and prices that more is put up for.",
        unit="none",
        queries=(("max by (state) (margingate_market_data_uncertain{@})", "{{state}}"),),
    ),
)

FEED = (
    Panel(
        title="Feed connected",
        description="1 while everything that is wanted of the venue is subscribed.",
        unit="none",
        queries=(("margingate_feed_connected{@}", "{{instance}}"),),
    ),
    Panel(
        title="Feed messages by kind",
        description="Messages of the venue per second.",
        unit="ops",
        queries=((rate("margingate_feed_received_total", "kind"), "{{kind}}"),),
    ),
    Panel(
        title="Feed drops by reason",
        description="Messages or prices per second that were not taken.",
        unit="ops",
        queries=((rate("margingate_feed_dropped_total", "reason"), "{{reason}}"),),
    ),
    Panel(
        title="Feed disconnects by reason",
        description="Connections per second that ended or did not come about.",
        unit="ops",
        queries=((rate("margingate_feed_disconnects_total", "reason"), "{{reason}}"),),
    ),
    Panel(
        title="Feed lag",
        description="From the venue's timestamp of the latest index price to its arrival.",
        unit="s",
        queries=(("margingate_feed_lag_seconds{@}", "{{instance}}"),),
    ),
    Panel(
        title="Volatility index",
        description="The venue's volatility index, per year as a fraction.",
        unit="none",
        queries=(("max by (underlying) (margingate_feed_volatility_index{@})", "{{underlying}}"),),
    ),
    Panel(
        title="Feed entries left out",
        description="Entries of the venue's listing that are not taken.",
        unit="none",
        queries=(("max by (reason) (margingate_feed_left_out{@})", "{{reason}}"),),
    ),
)

PROCESS = (
    Panel(
        title="Ready",
        description="Checks of /readyz: 1 while a check holds.",
        unit="none",
        queries=(("min by (check) (margingate_ready{@})", "{{check}}"),),
        red_below=1,
    ),
    Panel(
        title="Background work",
        description="Time since the last good turn of each thread beside the requests.",
        unit="s",
        queries=(
            (
                "max by (thread) (margingate_background_turn_age_seconds{@})",
                "{{thread}}",
            ),
        ),
        red_from=TURN_AGE_SECONDS,
    ),
    Panel(
        title="Background errors",
        description="Steps of these threads per second that failed as nobody foresaw.",
        unit="ops",
        queries=((rate("margingate_background_errors_total", "thread"), "{{thread}}"),),
    ),
    Panel(
        title="Resident memory",
        description="Memory of the process. Steady growth under steady load is a leak.",
        unit="bytes",
        queries=(("process_resident_memory_bytes{@}", "{{instance}}"),),
    ),
    Panel(
        title="CPU",
        description="Processor seconds per second; 1 is one core.",
        unit="none",
        queries=((rate("process_cpu_seconds_total", "instance"), "{{instance}}"),),
    ),
    Panel(
        title="Garbage collections",
        description="Collections per second by generation; generation 2 stops everything longest.",
        unit="ops",
        queries=((rate("python_gc_collections_total", "generation"), "{{generation}}"),),
    ),
    Panel(
        title="Open files",
        description="File descriptors in use as a share of the limit.",
        unit="percentunit",
        queries=(("process_open_fds{@} / process_max_fds{@}", "{{instance}}"),),
        red_from=0.8,
    ),
)
