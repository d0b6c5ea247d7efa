"""Every use case of a shard, around one state of it."""

from margingate_server.service.accounts import Accounts
from margingate_server.service.admin import Admin
from margingate_server.service.amending import Amending
from margingate_server.service.asking import Asking
from margingate_server.service.checking import Checking
from margingate_server.service.expiry import Expiries
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.monitoring import Monitor
from margingate_server.service.orders import Orders
from margingate_server.service.qualification_watch import QualificationWatch
from margingate_server.service.regimes import Regimes
from margingate_server.service.revaluing import Revaluing
from margingate_server.service.settlement import Settling
from margingate_server.service.shard import Shard
from margingate_server.service.wallets import Wallets


class Desk:
    """The use cases; replaced as a whole when the shard is folded anew."""

    def __init__(self, shard: Shard, age_limits: AgeLimits) -> None:
        self.shard = shard
        self.age_limits = age_limits
        asking = Asking(shard, age_limits)
        self.checking = Checking(shard, asking)
        self.amending = Amending(shard, asking)
        self.orders = Orders(shard)
        self.settling = Settling(shard)
        self.expiries = Expiries(shard)
        self.accounts = Accounts(shard, age_limits)
        self.admin = Admin(shard)
        self.regimes = Regimes(shard, age_limits)
        self.wallets = Wallets(shard, age_limits)
        self.qualifications = QualificationWatch(shard, age_limits)
        self.monitor = Monitor(shard, age_limits)
        self.revaluing = Revaluing(shard, age_limits)
