"""What a fill leaves in the wallet of a position that is margined alone. [ISO-03]"""


def wallet_after(wallet: int, lots_before: int, lots: int) -> int:
    """Wallet, 1e-6 USD, of a position of `lots_before` once it has traded `lots` (both signed).

    The closed part takes its share out of the wallet, rounded against the wallet; what turns or
    is flat leaves nothing in it.
    """
    after = lots_before + lots
    if not after or (after > 0) != (lots_before > 0):
        return 0
    if abs(after) >= abs(lots_before):
        return wallet
    return wallet * abs(after) // abs(lots_before)
