"""The account of one user."""

from synapse.module_api import LoggingTransaction

from media_stats_module.storage.answers import Account


def get_account_txn(txn: LoggingTransaction, user_id: str) -> Account:
    """The kind of a user's account. Costs two probes of unique indexes."""
    txn.execute(
        """
        SELECT u.name IS NOT NULL, NULLIF(u.appservice_id, ''), u.deactivated = 1,
            EXISTS (SELECT 1 FROM erased_users AS e WHERE e.user_id = asked.user_id)
        FROM (SELECT CAST(? AS TEXT) AS user_id) AS asked
        LEFT JOIN users AS u ON u.name = asked.user_id
        LIMIT 1
        """,
        (user_id,),
    )
    (row,) = txn.fetchall()
    return Account(*row)
