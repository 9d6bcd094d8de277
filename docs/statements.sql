-- The SQL of every question, as PostgreSQL gets it. All of it only reads.
-- Written by docs/statements.py; do not edit.
--
-- Parameters have the names of the API's. They are always bound, never put into the
-- text. Times are those of PostgreSQL 18 with 10 million local media of
-- 100,000 users and 10 million remote media in memory, on two cores.
--
-- A running Synapse first sets statement_timeout to the option query_timeout, in each
-- transaction, and reads long lists with a cursor. What rollups write is in
-- media_stats_module/storage/rollups: install.sql, triggers.sql and build.py.


-- /v1/rollups
-- ===========

-- 1. Before each question that totals may answer: probes of the catalogue. It also
-- changes settings of this transaction only. 0.5 ms.
SELECT
    set_config('search_path', quote_ident(CAST(nspname AS TEXT)) || ', pg_temp', true),
    set_config('quote_all_identifiers', 'off', true),
    set_config(
        'work_mem',
        CAST(
            GREATEST(pg_size_bytes(current_setting('work_mem')) / 1024, 65536) AS TEXT
        ),
        true
    )
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = CAST(to_regclass('local_media_repository') AS OID);

WITH
    synapse AS (
        SELECT
            relnamespace AS schema,
            mark,
            ARRAY[
                relowner,
                (SELECT oid FROM pg_roles WHERE rolname = current_user)
            ] AS trusted
        FROM pg_class, CAST(:mark AS TEXT) AS mark
        WHERE oid = CAST(to_regclass('local_media_repository') AS OID)
    ),
    functions AS (
        SELECT p.oid, proname, proowner, prosecdef
        FROM synapse, pg_proc AS p
        WHERE
            proname IN (
                'media_stats_log_local',
                'media_stats_log_remote',
                'media_stats_log_thumbnails',
                'media_stats_distrust',
                'media_stats_day',
                'media_stats_group'
            )
            AND pronamespace = schema
            AND proowner = ANY (trusted)
            AND strpos(
                prosrc,
                '-- ' || mark || ' ' || CAST(
                    CAST(schema AS REGNAMESPACE) AS TEXT
                ) || chr(10)
            ) > 0
            AND CAST(proacl AS TEXT) = CAST(
                ARRAY[makeaclitem(proowner, proowner, 'EXECUTE', FALSE)] AS TEXT
            )
            AND prosecdef = starts_with(CAST(proname AS TEXT), 'media_stats_log_')
            AND (
                NOT prosecdef
                    OR CAST(
                        proconfig AS TEXT
                    ) = '{"search_path=pg_catalog, pg_temp",lock_timeout=100ms}'
            )
    )
SELECT
    EXISTS (
        SELECT
        FROM pg_class
        WHERE
            relname = 'media_stats_state'
            AND relnamespace = schema
            AND relkind = 'r'
            AND relowner = ANY (trusted)
    ) AS is_present,
    (SELECT COUNT(*) FROM functions) = 6
        AND 9 = (
            SELECT COUNT(*)
            FROM pg_class AS c
            WHERE
                relname IN (
                    'media_stats_state',
                    'media_stats_owners',
                    'media_stats_days',
                    'media_stats_kinds',
                    'media_stats_changes',
                    'media_stats_change_id',
                    'media_stats_log_limit',
                    'media_stats_missed_local',
                    'media_stats_missed_remote'
                )
                AND relnamespace = schema
                AND relowner = ANY (trusted)
                AND (
                    SELECT bool_and(pg_has_role(proowner, relowner, 'USAGE'))
                    FROM functions
                )
                AND (
                    relkind = 'S'
                        OR relkind = 'r'
                        AND NOT row_security_active(c.oid)
                        AND EXISTS (
                            SELECT
                            FROM pg_constraint
                            WHERE conrelid = c.oid AND conname = mark
                        )
                )
                AND relpersistence = 'p'
                AND NOT EXISTS (
                    SELECT
                    FROM aclexplode(relacl)
                    WHERE grantee = CAST(0 AS OID)
                )
        ) AS has_objects,
    ARRAY(
        SELECT CAST(relname AS TEXT)
        FROM pg_trigger
        JOIN functions ON functions.oid = tgfoid AND prosecdef
        JOIN pg_class ON pg_class.oid = tgrelid
        WHERE
            tgrelid IN (
                CAST(to_regclass('local_media_repository') AS OID),
                CAST(to_regclass('local_media_repository_thumbnails') AS OID),
                CAST(to_regclass('remote_media_cache') AS OID),
                CAST(to_regclass('remote_media_cache_thumbnails') AS OID)
            )
            AND tgname IN (
                'media_stats_change',
                'media_stats_delete',
                'media_stats_truncate'
            )
            AND tgenabled IN ('O', 'A')
            AND NOT EXISTS (
                SELECT
                FROM pg_inherits
                WHERE pg_class.oid IN (inhrelid, inhparent)
            )
        GROUP BY relname
        HAVING COUNT(*) = 3
    ) AS logged_tables,
    ARRAY(
        SELECT ARRAY[
            source,
            CAST(
                hashtextextended(
                    string_agg(changed, ' ' ORDER BY tbl, name),
                    CAST(0 AS BIGINT)
                ) AS TEXT
            )
        ]
        FROM
            (
                VALUES ('local', CAST(to_regclass('local_media_repository') AS OID)),
                (
                    'local',
                    CAST(to_regclass('local_media_repository_thumbnails') AS OID)
                ),
                ('remote', CAST(to_regclass('remote_media_cache') AS OID)),
                ('remote', CAST(to_regclass('remote_media_cache_thumbnails') AS OID))
            ) AS tables_of_sources(source, tbl),
            LATERAL(
                SELECT '' AS name, CAST(relfilenode AS TEXT) AS changed
                FROM pg_class
                WHERE oid = tbl
                UNION ALL
                SELECT attname, CAST(xmin AS TEXT)
                FROM pg_attribute
                WHERE
                    attrelid = tbl
                    AND attname IN (
                        'user_id',
                        'media_origin',
                        'media_length',
                        'created_ts',
                        'media_type',
                        'url_cache',
                        'quarantined_by',
                        'safe_from_quarantine',
                        'thumbnail_length'
                    )
                UNION ALL
                SELECT tgname, CAST(xmin AS TEXT)
                FROM pg_trigger
                WHERE
                    tgrelid = tbl
                    AND tgname IN (
                        'media_stats_change',
                        'media_stats_delete',
                        'media_stats_truncate'
                    )
            ) AS traces
        GROUP BY source
    ) AS definitions,
    (
        SELECT string_agg(CAST(part AS TEXT), ' ' ORDER BY position)
        FROM (
            VALUES (1, CAST(to_regclass('local_media_repository') AS OID)),
            (2, CAST(to_regclass('local_media_repository_thumbnails') AS OID)),
            (3, CAST(to_regclass('remote_media_cache') AS OID)),
            (4, CAST(to_regclass('remote_media_cache_thumbnails') AS OID)),
            (
                5,
                (
                    SELECT oid
                    FROM pg_database
                    WHERE datname = current_database()
                )
            )
        ) AS parts(position, part)
    ) AS identity
FROM synapse;

-- 2. A probe of media_stats_state, and of the change log.
SELECT
    fingerprint,
    COALESCE(
        missed = COALESCE(
            pg_sequence_last_value(CAST('media_stats_missed_local' AS REGCLASS)),
            0
        ),
        FALSE
    ),
    definitions,
    owners,
    EXISTS (
        SELECT
        FROM media_stats_changes AS c
        WHERE c.source = s.source
    )
FROM media_stats_state AS s
WHERE source = 'local';

-- 3. The change log and the totals per day, both short.
SELECT
    owners,
    (
        SELECT CAST(COALESCE(SUM(media_count), 0) AS BIGINT)
        FROM media_stats_days
        WHERE source = 'local'
    ),
    (
        SELECT COUNT(*)
        FROM media_stats_changes
        WHERE source = 'local'
    ),
    build_started_ts,
    build_finished_ts,
    checked_ts,
    differences
FROM media_stats_state
WHERE source = 'local';

-- 4. As statement 2, for remote media.
SELECT
    fingerprint,
    COALESCE(
        missed = COALESCE(
            pg_sequence_last_value(CAST('media_stats_missed_remote' AS REGCLASS)),
            0
        ),
        FALSE
    ),
    definitions,
    owners,
    EXISTS (
        SELECT
        FROM media_stats_changes AS c
        WHERE c.source = s.source
    )
FROM media_stats_state AS s
WHERE source = 'remote';

-- 5. As statement 3, for remote media.
SELECT
    owners,
    (
        SELECT CAST(COALESCE(SUM(media_count), 0) AS BIGINT)
        FROM media_stats_days
        WHERE source = 'remote'
    ),
    (
        SELECT COUNT(*)
        FROM media_stats_changes
        WHERE source = 'remote'
    ),
    build_started_ts,
    build_finished_ts,
    checked_ts,
    differences
FROM media_stats_state
WHERE source = 'remote';


-- /v1/users?order_by=media_length
-- ===============================

-- 6. Settings of this transaction only.
SELECT set_config(
    'work_mem',
    CAST(GREATEST(pg_size_bytes(current_setting('work_mem')) / 1024, 32768) AS TEXT),
    true
);

-- 7. The table, in parallel, and the displaynames of the page. 1.2 s.
WITH
    owners AS (
        SELECT
            m.user_id AS owner,
            COUNT(*) AS media_count,
            COALESCE(SUM(m.media_length), 0) AS media_length
        FROM local_media_repository AS m
        WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL
        GROUP BY m.user_id
    ),
    matched AS (
        SELECT owners.owner, owners.media_count, owners.media_length
        FROM owners
        WHERE TRUE
    ),
    page AS (
        SELECT *
        FROM matched
        ORDER BY media_length DESC, owner
        LIMIT :limit
        OFFSET :from
    )
SELECT
    (SELECT COUNT(*) FROM matched),
    owner,
    (
        SELECT MIN(p.displayname)
        FROM profiles AS p
        WHERE p.full_user_id = page.owner
    ),
    media_count,
    media_length
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY media_length DESC, owner;


-- /v1/users?order_by=media_length&from_ts=...&until_ts=...
-- ========================================================

-- 8. Settings of this transaction only.
SELECT
    set_config(
        'work_mem',
        CAST(
            GREATEST(pg_size_bytes(current_setting('work_mem')) / 1024, 32768) AS TEXT
        ),
        true
    ),
    set_config('random_page_cost', '1.1', true),
    set_config('jit', 'off', true);

-- 9. A range of media_stats_local_by_time, which rollups create, or else the table. A
-- day takes 6 ms.
WITH
    owners AS (
        SELECT
            m.user_id AS owner,
            COUNT(*) AS media_count,
            COALESCE(SUM(m.media_length), 0) AS media_length
        FROM local_media_repository AS m
        WHERE
            m.user_id IS NOT NULL
            AND m.media_length IS NOT NULL
            AND m.created_ts >= :from_ts
            AND m.created_ts <= :until_ts
        GROUP BY m.user_id
    ),
    matched AS (
        SELECT owners.owner, owners.media_count, owners.media_length
        FROM owners
        WHERE TRUE
    ),
    page AS (
        SELECT *
        FROM matched
        ORDER BY media_length DESC, owner
        LIMIT :limit
        OFFSET :from
    )
SELECT
    (SELECT COUNT(*) FROM matched),
    owner,
    (
        SELECT MIN(p.displayname)
        FROM profiles AS p
        WHERE p.full_user_id = page.owner
    ),
    media_count,
    media_length
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY media_length DESC, owner;


-- /v1/users?order_by=user_id
-- ==========================

-- Again: 6.

-- 10. Probes of the catalogue: is there an index that starts with the owner?
SELECT 1
FROM pg_index AS i
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE
    i.indrelid = to_regclass('local_media_repository')
    AND i.indisvalid
    AND a.attname = 'user_id'
    AND (
        i.indpred IS NULL
            OR pg_get_expr(i.indpred, i.indrelid) = '(user_id IS NOT NULL)'
    );

-- 11. A probe of the catalogue: about how many rows?
SELECT CAST(GREATEST(reltuples, 0) AS BIGINT)
FROM pg_class
WHERE oid = CAST('local_media_repository' AS REGCLASS);

-- 12. A probe or two of users_have_local_media for each user. 0.5 s.
WITH RECURSIVE
    walk(owner) AS (
        SELECT (
            SELECT m.user_id
            FROM local_media_repository AS m
            WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL
            ORDER BY m.user_id
            LIMIT 1
        )
        UNION ALL
        SELECT (
            SELECT m.user_id
            FROM local_media_repository AS m
            WHERE
                m.user_id IS NOT NULL
                AND m.media_length IS NOT NULL
                AND m.user_id > walk.owner
            ORDER BY m.user_id
            LIMIT 1
        )
        FROM walk
        WHERE walk.owner IS NOT NULL
    ),
    owners AS (SELECT owner FROM walk WHERE owner IS NOT NULL LIMIT 1000),
    matched AS (SELECT owners.owner FROM owners WHERE TRUE),
    page AS (
        SELECT *
        FROM matched
        ORDER BY owner ASC
        LIMIT :limit
        OFFSET 0
    )
SELECT
    (SELECT COUNT(*) FROM owners),
    (SELECT COUNT(*) FROM matched),
    owner,
    (
        SELECT MIN(p.displayname)
        FROM profiles AS p
        WHERE p.full_user_id = page.owner
    )
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY owner ASC;

-- 13. The media of the users on the page, by users_have_local_media.
SELECT m.user_id, COUNT(*), COALESCE(SUM(m.media_length), 0)
FROM local_media_repository AS m
WHERE
    m.user_id IS NOT NULL
    AND m.media_length IS NOT NULL
    AND m.user_id IN (:user_id_1, :user_id_2, :user_id_3)
GROUP BY m.user_id;


-- /v1/users?order_by=displayname
-- ==============================

-- Again: 10, 11, 6, 13.

-- 14. A probe or two of users_have_local_media for each user, and a read of profiles.
-- 0.6 s.
WITH RECURSIVE
    walk(owner) AS (
        SELECT (
            SELECT m.user_id
            FROM local_media_repository AS m
            WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL
            ORDER BY m.user_id
            LIMIT 1
        )
        UNION ALL
        SELECT (
            SELECT m.user_id
            FROM local_media_repository AS m
            WHERE
                m.user_id IS NOT NULL
                AND m.media_length IS NOT NULL
                AND m.user_id > walk.owner
            ORDER BY m.user_id
            LIMIT 1
        )
        FROM walk
        WHERE walk.owner IS NOT NULL
    ),
    owners AS (SELECT owner FROM walk WHERE owner IS NOT NULL LIMIT 1000),
    matched AS (
        SELECT owners.owner, p.displayname AS displayname
        FROM owners
        LEFT JOIN (
            SELECT p.full_user_id, MIN(p.displayname) AS displayname
            FROM profiles AS p
            GROUP BY p.full_user_id
        ) AS p ON p.full_user_id = owners.owner
        WHERE TRUE
    ),
    page AS (
        SELECT *
        FROM matched
        ORDER BY displayname IS NULL, displayname ASC, owner
        LIMIT :limit
        OFFSET 0
    )
SELECT (SELECT COUNT(*) FROM owners), (SELECT COUNT(*) FROM matched), owner, displayname
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY displayname IS NULL, displayname ASC, owner;


-- /v1/users?search_term=...
-- =========================

-- Again: 10, 11, 6.

-- 15. A probe or two of users_have_local_media for each user, and a read of profiles.
-- The search compares each user ID and displayname. 0.7 s.
WITH RECURSIVE
    walk(owner) AS (
        SELECT (
            SELECT m.user_id
            FROM local_media_repository AS m
            WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL
            ORDER BY m.user_id
            LIMIT 1
        )
        UNION ALL
        SELECT (
            SELECT m.user_id
            FROM local_media_repository AS m
            WHERE
                m.user_id IS NOT NULL
                AND m.media_length IS NOT NULL
                AND m.user_id > walk.owner
            ORDER BY m.user_id
            LIMIT 1
        )
        FROM walk
        WHERE walk.owner IS NOT NULL
    ),
    owners AS (SELECT owner FROM walk WHERE owner IS NOT NULL LIMIT 1000),
    matched AS (
        SELECT owners.owner, p.displayname AS displayname
        FROM owners
        LEFT JOIN (
            SELECT p.full_user_id, MIN(p.displayname) AS displayname
            FROM profiles AS p
            GROUP BY p.full_user_id
        ) AS p ON p.full_user_id = owners.owner
        WHERE
            TRUE
            AND (
                substr(split_part(owners.owner, ':', 1), 2) ~ :pattern
                    OR p.displayname ~ :pattern
            )
    ),
    page AS (
        SELECT *
        FROM matched
        ORDER BY owner ASC
        LIMIT :limit
        OFFSET 0
    )
SELECT (SELECT COUNT(*) FROM owners), (SELECT COUNT(*) FROM matched), owner, displayname
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY owner ASC;


-- /v1/servers?order_by=media_length
-- =================================

-- Again: 6.

-- 16. The table, in parallel. 1.2 s.
WITH
    owners AS (
        SELECT
            m.media_origin AS owner,
            COUNT(*) AS media_count,
            COALESCE(SUM(m.media_length), 0) AS media_length
        FROM remote_media_cache AS m
        WHERE m.media_origin IS NOT NULL AND m.media_length IS NOT NULL
        GROUP BY m.media_origin
    ),
    matched AS (
        SELECT owners.owner, owners.media_count, owners.media_length
        FROM owners
        WHERE TRUE
    ),
    page AS (
        SELECT *
        FROM matched
        ORDER BY media_length DESC, owner
        LIMIT :limit
        OFFSET :from
    )
SELECT (SELECT COUNT(*) FROM matched), owner, NULL, media_count, media_length
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY media_length DESC, owner;


-- /v1/appservices
-- ===============

-- Again: 6.

-- 17. The table, in parallel, and all accounts. 1.3 s.
WITH owners AS (
    SELECT
        m.user_id AS owner,
        COUNT(*) AS media_count,
        COALESCE(SUM(m.media_length), 0) AS media_length
    FROM local_media_repository AS m
    WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL
    GROUP BY m.user_id
)
SELECT
    NULLIF(u.appservice_id, ''),
    u.name IS NOT NULL,
    COUNT(*),
    SUM(o.media_count),
    COALESCE(SUM(o.media_length), 0),
    COUNT(CASE WHEN u.deactivated = 1 THEN 1 END),
    SUM(CASE WHEN u.deactivated = 1 THEN o.media_count END),
    COALESCE(SUM(CASE WHEN u.deactivated = 1 THEN o.media_length END), 0)
FROM owners AS o
LEFT JOIN users AS u ON u.name = o.owner
GROUP BY 1, 2;


-- /v1/users?appservice=...&order_by=media_length
-- ==============================================

-- Again: 6.

-- 18. The table, in parallel, and the application service's accounts.
WITH
    owners AS (
        SELECT
            m.user_id AS owner,
            COUNT(*) AS media_count,
            COALESCE(SUM(m.media_length), 0) AS media_length
        FROM local_media_repository AS m
        WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL
        GROUP BY m.user_id
    ),
    matched AS (
        SELECT owners.owner, owners.media_count, owners.media_length
        FROM owners
        WHERE
            TRUE
            AND owners.owner IS NOT NULL
            AND EXISTS (
                SELECT 1
                FROM users AS u
                WHERE u.name = owners.owner AND u.appservice_id = :appservice
            )
    ),
    page AS (
        SELECT *
        FROM matched
        ORDER BY media_length DESC, owner
        LIMIT :limit
        OFFSET :from
    )
SELECT
    (SELECT COUNT(*) FROM matched),
    owner,
    (
        SELECT MIN(p.displayname)
        FROM profiles AS p
        WHERE p.full_user_id = page.owner
    ),
    media_count,
    media_length
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY media_length DESC, owner;


-- /v1/files?appservice=&deactivated=true&order_by=media_length
-- ============================================================

-- Again: 6.

-- 19. The table and all accounts, in parallel.
SELECT
    NULL,
    m.user_id,
    m.media_id,
    m.media_type,
    m.upload_name,
    COALESCE(m.media_length, 0),
    COALESCE(m.created_ts, 0),
    m.last_access_ts,
    m.quarantined_by,
    m.safe_from_quarantine,
    m.url_cache IS NOT NULL,
    m.sha256,
    page.sort_key
FROM (
    SELECT m.media_id, m.media_length AS sort_key
    FROM local_media_repository AS m
    WHERE
        m.media_length IS NOT NULL
        AND m.created_ts IS NOT NULL
        AND m.media_id IS NOT NULL
        AND m.user_id IS NOT NULL
        AND EXISTS (
            SELECT 1
            FROM users AS u
            WHERE
                u.name = m.user_id
                AND (u.appservice_id IS NULL OR u.appservice_id = '')
        )
        AND EXISTS (
            SELECT 1
            FROM users AS u
            WHERE u.name = m.user_id AND u.deactivated = 1
        )
    ORDER BY m.media_length DESC, m.media_id
    LIMIT :limit + 1
    OFFSET 0
) AS page
CROSS JOIN local_media_repository AS m
WHERE m.media_id = page.media_id
ORDER BY page.sort_key DESC, page.media_id;


-- /v1/types?has_account=false&erased=false
-- ========================================

-- 20. The table and all accounts, in parallel.
WITH
    given AS (
        SELECT
            m.media_type AS content_type,
            COUNT(*) AS media_count,
            COALESCE(SUM(m.media_length), 0) AS media_length
        FROM local_media_repository AS m
        WHERE
            m.user_id IS NOT NULL
            AND m.media_length IS NOT NULL
            AND m.user_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.name = m.user_id)
            AND NOT EXISTS (
                SELECT 1
                FROM erased_users AS e
                WHERE e.user_id = m.user_id
            )
        GROUP BY m.media_type
    ),
    named AS (
        SELECT
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(content_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ) AS media_type,
            media_count,
            media_length
        FROM given
    ),
    types AS (
        SELECT
            media_type,
            SUM(media_count) AS media_count,
            COALESCE(SUM(media_length), 0) AS media_length
        FROM named
        GROUP BY media_type
    ),
    page AS (
        SELECT *
        FROM types
        ORDER BY media_type ASC
        LIMIT :limit
        OFFSET :from
    )
SELECT (SELECT COUNT(*) FROM types), media_type, media_count, media_length
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY media_type ASC;


-- /v1/summary
-- ===========

-- Again: 10, 11.

-- 21. The tables of local media and of their thumbnails, in parallel. 2 s.
SELECT
    CASE
        WHEN is_pending THEN 'pending'
        ELSE CASE
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            12
        ) = 'application/' THEN 'application'
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            6
        ) = 'audio/' THEN 'audio'
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            6
        ) = 'image/' THEN 'image'
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            5
        ) = 'text/' THEN 'text'
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            6
        ) = 'video/' THEN 'video'
        ELSE 'other'
        END
        END AS media_group,
    is_owned,
    is_url_preview,
    is_quarantined,
    is_protected,
    SUM(media_count) AS media_count,
    COALESCE(SUM(media_length), 0) AS media_length
FROM (
    SELECT
        m.media_type,
        m.media_length IS NULL AS is_pending,
        m.user_id IS NOT NULL AS is_owned,
        m.url_cache IS NOT NULL AS is_url_preview,
        m.quarantined_by IS NOT NULL AS is_quarantined,
        COALESCE(m.safe_from_quarantine, FALSE) AS is_protected,
        COUNT(*) AS media_count,
        COALESCE(SUM(m.media_length), 0) AS media_length
    FROM local_media_repository AS m
    GROUP BY 1, 2, 3, 4, 5, 6
) AS by_type
GROUP BY 1, 2, 3, 4, 5
UNION ALL
SELECT
    'thumbnail',
    FALSE,
    FALSE,
    FALSE,
    FALSE,
    COUNT(*),
    COALESCE(SUM(t.thumbnail_length), 0)
FROM local_media_repository_thumbnails AS t
HAVING COUNT(*) > 0;

-- 22. To count users: a probe or two of users_have_local_media for each.
WITH RECURSIVE
    walk(owner) AS (
        SELECT (
            SELECT m.user_id
            FROM local_media_repository AS m
            WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL
            ORDER BY m.user_id
            LIMIT 1
        )
        UNION ALL
        SELECT (
            SELECT m.user_id
            FROM local_media_repository AS m
            WHERE
                m.user_id IS NOT NULL
                AND m.media_length IS NOT NULL
                AND m.user_id > walk.owner
            ORDER BY m.user_id
            LIMIT 1
        )
        FROM walk
        WHERE walk.owner IS NOT NULL
    ),
    owners AS (SELECT owner FROM walk WHERE owner IS NOT NULL LIMIT 1000)
SELECT COUNT(*)
FROM owners;

-- 23. The tables of remote media and of their thumbnails, in parallel. 2 s.
SELECT
    CASE
        WHEN is_pending THEN 'pending'
        ELSE CASE
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            12
        ) = 'application/' THEN 'application'
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            6
        ) = 'audio/' THEN 'audio'
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            6
        ) = 'image/' THEN 'image'
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            5
        ) = 'text/' THEN 'text'
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            6
        ) = 'video/' THEN 'video'
        ELSE 'other'
        END
        END AS media_group,
    is_owned,
    is_url_preview,
    is_quarantined,
    is_protected,
    SUM(media_count) AS media_count,
    COALESCE(SUM(media_length), 0) AS media_length
FROM (
    SELECT
        m.media_type,
        m.media_length IS NULL AS is_pending,
        m.media_origin IS NOT NULL AS is_owned,
        FALSE AS is_url_preview,
        m.quarantined_by IS NOT NULL AS is_quarantined,
        FALSE AS is_protected,
        COUNT(*) AS media_count,
        COALESCE(SUM(m.media_length), 0) AS media_length
    FROM remote_media_cache AS m
    GROUP BY 1, 2, 3, 4, 5, 6
) AS by_type
GROUP BY 1, 2, 3, 4, 5
UNION ALL
SELECT
    'thumbnail',
    FALSE,
    FALSE,
    FALSE,
    FALSE,
    COUNT(*),
    COALESCE(SUM(t.thumbnail_length), 0)
FROM remote_media_cache_thumbnails AS t
HAVING COUNT(*) > 0;

-- 24. Probes of the catalogue, for remote media.
SELECT 1
FROM pg_index AS i
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE
    i.indrelid = to_regclass('remote_media_cache')
    AND i.indisvalid
    AND a.attname = 'media_origin'
    AND (
        i.indpred IS NULL
            OR pg_get_expr(i.indpred, i.indrelid) = '(media_origin IS NOT NULL)'
    );

-- 25. A probe of the catalogue, for remote media.
SELECT CAST(GREATEST(reltuples, 0) AS BIGINT)
FROM pg_class
WHERE oid = CAST('remote_media_cache' AS REGCLASS);

-- 26. To count servers: probes of the unique index on (media_origin, media_id).
WITH RECURSIVE
    walk(owner) AS (
        SELECT (
            SELECT m.media_origin
            FROM remote_media_cache AS m
            WHERE m.media_origin IS NOT NULL AND m.media_length IS NOT NULL
            ORDER BY m.media_origin
            LIMIT 1
        )
        UNION ALL
        SELECT (
            SELECT m.media_origin
            FROM remote_media_cache AS m
            WHERE
                m.media_origin IS NOT NULL
                AND m.media_length IS NOT NULL
                AND m.media_origin > walk.owner
            ORDER BY m.media_origin
            LIMIT 1
        )
        FROM walk
        WHERE walk.owner IS NOT NULL
    ),
    owners AS (SELECT owner FROM walk WHERE owner IS NOT NULL LIMIT 1000)
SELECT COUNT(*)
FROM owners;


-- /v1/summary?user=...
-- ====================

-- 27. The user's media, by users_have_local_media, and for each file a probe of the
-- unique index of the thumbnails.
SELECT
    CASE
        WHEN is_pending THEN 'pending'
        ELSE CASE
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            12
        ) = 'application/' THEN 'application'
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            6
        ) = 'audio/' THEN 'audio'
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            6
        ) = 'image/' THEN 'image'
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            5
        ) = 'text/' THEN 'text'
        WHEN substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            6
        ) = 'video/' THEN 'video'
        ELSE 'other'
        END
        END AS media_group,
    is_owned,
    is_url_preview,
    is_quarantined,
    is_protected,
    SUM(media_count) AS media_count,
    COALESCE(SUM(media_length), 0) AS media_length
FROM (
    SELECT
        m.media_type,
        m.media_length IS NULL AS is_pending,
        m.user_id IS NOT NULL AS is_owned,
        m.url_cache IS NOT NULL AS is_url_preview,
        m.quarantined_by IS NOT NULL AS is_quarantined,
        COALESCE(m.safe_from_quarantine, FALSE) AS is_protected,
        COUNT(*) AS media_count,
        COALESCE(SUM(m.media_length), 0) AS media_length
    FROM local_media_repository AS m
    WHERE m.user_id = :user_id
    GROUP BY 1, 2, 3, 4, 5, 6
) AS by_type
GROUP BY 1, 2, 3, 4, 5
UNION ALL
SELECT
    'thumbnail',
    FALSE,
    FALSE,
    FALSE,
    FALSE,
    COUNT(*),
    COALESCE(SUM(t.thumbnail_length), 0)
FROM local_media_repository AS m
JOIN local_media_repository_thumbnails AS t ON t.media_id = m.media_id
WHERE m.user_id = :user_id
HAVING COUNT(*) > 0;

-- 28. A probe of users_have_local_media.
SELECT COUNT(*)
FROM (
    SELECT 1
    FROM local_media_repository AS m
    WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL AND m.user_id = :user_id
    LIMIT 1
) AS found;

-- 29. The user's account: probes of the unique indexes on users and erased_users.
SELECT
    u.name IS NOT NULL,
    NULLIF(u.appservice_id, ''),
    u.deactivated = 1,
    EXISTS (
        SELECT 1
        FROM erased_users AS e
        WHERE e.user_id = asked.user_id
    )
FROM (SELECT CAST(:user_id AS TEXT) AS user_id) AS asked
LEFT JOIN users AS u ON u.name = asked.user_id
LIMIT 1;


-- /v1/summary?source=local&duplicates=true
-- ========================================

-- Again: 21, 10, 11, 22.

-- 30. Once more the table, and a hash of all sha256. 10 s.
WITH contents AS (
    SELECT
        sha256,
        MAX(media_length) AS media_length,
        COUNT(*) AS copies,
        SUM(is_remote) AS remote_copies
    FROM (
        SELECT m.sha256 || '' AS sha256, m.media_length, 0 AS is_remote
        FROM local_media_repository AS m
        WHERE m.sha256 <> '' AND m.media_length IS NOT NULL
    ) AS files
    GROUP BY sha256
    HAVING COUNT(*) > 1
)
SELECT SUM(copies - 1), COALESCE(SUM(CAST((copies - 1) AS NUMERIC) * media_length), 0)
FROM contents;


-- /v1/duplicates
-- ==============

-- 31. Both tables, and a hash of all sha256. 20 s.
WITH
    contents AS (
        SELECT
            sha256,
            MAX(media_length) AS media_length,
            COUNT(*) AS copies,
            SUM(is_remote) AS remote_copies
        FROM (
            SELECT m.sha256 || '' AS sha256, m.media_length, 0 AS is_remote
            FROM local_media_repository AS m
            WHERE m.sha256 <> '' AND m.media_length IS NOT NULL
            UNION ALL
            SELECT m.sha256 || '' AS sha256, m.media_length, 1 AS is_remote
            FROM remote_media_cache AS m
            WHERE m.sha256 <> '' AND m.media_length IS NOT NULL
        ) AS files
        GROUP BY sha256
        HAVING COUNT(*) > 1
    ),
    page AS (
        SELECT *
        FROM contents
        ORDER BY CAST((copies - 1) AS NUMERIC) * media_length DESC, sha256 COLLATE "C"
        LIMIT :limit
        OFFSET :from
    )
SELECT (SELECT COUNT(*) FROM contents), sha256, media_length, copies, remote_copies
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY CAST((copies - 1) AS NUMERIC) * media_length DESC, sha256 COLLATE "C";


-- /v1/timeline
-- ============

-- 32. The table. 2 s.
SELECT
    (
        COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 - CASE
            WHEN COALESCE(
                CAST(m.created_ts AS BIGINT),
                0
            ) < COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 * 86400000 THEN 1
            ELSE 0
            END
    ),
    COUNT(*),
    COALESCE(SUM(m.media_length), 0)
FROM local_media_repository AS m
WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL
GROUP BY (
    COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 - CASE
        WHEN COALESCE(
            CAST(m.created_ts AS BIGINT),
            0
        ) < COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 * 86400000 THEN 1
        ELSE 0
        END
);


-- /v1/timeline?user=...
-- =====================

-- 33. The user's media, by users_have_local_media.
SELECT
    (
        COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 - CASE
            WHEN COALESCE(
                CAST(m.created_ts AS BIGINT),
                0
            ) < COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 * 86400000 THEN 1
            ELSE 0
            END
    ),
    COUNT(*),
    COALESCE(SUM(m.media_length), 0)
FROM local_media_repository AS m
WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL AND m.user_id = :user_id
GROUP BY (
    COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 - CASE
        WHEN COALESCE(
            CAST(m.created_ts AS BIGINT),
            0
        ) < COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 * 86400000 THEN 1
        ELSE 0
        END
);


-- /v1/types?order_by=media_length
-- ===============================

-- 34. The table, in parallel. 1.3 s.
WITH
    given AS (
        SELECT
            m.media_type AS content_type,
            COUNT(*) AS media_count,
            COALESCE(SUM(m.media_length), 0) AS media_length
        FROM local_media_repository AS m
        WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL
        GROUP BY m.media_type
    ),
    named AS (
        SELECT
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(content_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ) AS media_type,
            media_count,
            media_length
        FROM given
    ),
    types AS (
        SELECT
            media_type,
            SUM(media_count) AS media_count,
            COALESCE(SUM(media_length), 0) AS media_length
        FROM named
        GROUP BY media_type
    ),
    page AS (
        SELECT *
        FROM types
        ORDER BY media_length DESC, media_type
        LIMIT :limit
        OFFSET :from
    )
SELECT (SELECT COUNT(*) FROM types), media_type, media_count, media_length
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY media_length DESC, media_type;


-- /v1/types?group=true
-- ====================

-- 35. The table, in parallel. 1.3 s.
WITH
    given AS (
        SELECT
            m.media_type AS content_type,
            COUNT(*) AS media_count,
            COALESCE(SUM(m.media_length), 0) AS media_length
        FROM local_media_repository AS m
        WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL
        GROUP BY m.media_type
    ),
    named AS (
        SELECT
            CASE
                WHEN substr(
                    COALESCE(
                        NULLIF(
                            LOWER(TRIM(split_part(content_type, ';', 1)) COLLATE "C"),
                            ''
                        ),
                        'application/octet-stream'
                    ),
                    1,
                    12
                ) = 'application/' THEN 'application'
                WHEN substr(
                    COALESCE(
                        NULLIF(
                            LOWER(TRIM(split_part(content_type, ';', 1)) COLLATE "C"),
                            ''
                        ),
                        'application/octet-stream'
                    ),
                    1,
                    6
                ) = 'audio/' THEN 'audio'
                WHEN substr(
                    COALESCE(
                        NULLIF(
                            LOWER(TRIM(split_part(content_type, ';', 1)) COLLATE "C"),
                            ''
                        ),
                        'application/octet-stream'
                    ),
                    1,
                    6
                ) = 'image/' THEN 'image'
                WHEN substr(
                    COALESCE(
                        NULLIF(
                            LOWER(TRIM(split_part(content_type, ';', 1)) COLLATE "C"),
                            ''
                        ),
                        'application/octet-stream'
                    ),
                    1,
                    5
                ) = 'text/' THEN 'text'
                WHEN substr(
                    COALESCE(
                        NULLIF(
                            LOWER(TRIM(split_part(content_type, ';', 1)) COLLATE "C"),
                            ''
                        ),
                        'application/octet-stream'
                    ),
                    1,
                    6
                ) = 'video/' THEN 'video'
                ELSE 'other'
                END AS media_type,
            media_count,
            media_length
        FROM given
    ),
    types AS (
        SELECT
            media_type,
            SUM(media_count) AS media_count,
            COALESCE(SUM(media_length), 0) AS media_length
        FROM named
        GROUP BY media_type
    ),
    page AS (
        SELECT *
        FROM types
        ORDER BY media_type ASC
        LIMIT :limit
        OFFSET :from
    )
SELECT (SELECT COUNT(*) FROM types), media_type, media_count, media_length
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY media_type ASC;


-- /v1/files
-- =========

-- 36. A walk: the page, along the unique index on media_id. 0.5 ms.
SELECT
    NULL,
    m.user_id,
    m.media_id,
    m.media_type,
    m.upload_name,
    COALESCE(m.media_length, 0),
    COALESCE(m.created_ts, 0),
    m.last_access_ts,
    m.quarantined_by,
    m.safe_from_quarantine,
    m.url_cache IS NOT NULL,
    m.sha256,
    NULL
FROM local_media_repository AS m
WHERE
    m.media_length IS NOT NULL
    AND m.created_ts IS NOT NULL
    AND m.media_id IS NOT NULL
    AND (m.media_id) > (:last_media_id)
ORDER BY m.media_id ASC
LIMIT :limit + 1
OFFSET 0;


-- /v1/files?server_name=...
-- =========================

-- 37. A walk: the page, along the unique index on (media_origin, media_id). 0.5 ms.
SELECT
    m.media_origin,
    NULL,
    m.media_id,
    m.media_type,
    m.upload_name,
    COALESCE(m.media_length, 0),
    COALESCE(m.created_ts, 0),
    m.last_access_ts,
    m.quarantined_by,
    NULL,
    NULL,
    m.sha256,
    NULL
FROM remote_media_cache AS m
WHERE
    m.media_origin IS NOT NULL
    AND m.media_length IS NOT NULL
    AND m.created_ts IS NOT NULL
    AND m.media_origin IS NOT NULL
    AND m.media_id IS NOT NULL
    AND m.media_origin = :server_name
    AND (m.media_origin, m.media_id) > (:last_server_name, :last_media_id)
ORDER BY m.media_origin ASC, m.media_id ASC
LIMIT :limit + 1
OFFSET 0;


-- /v1/files?user=...&order_by=created_ts
-- ======================================

-- 38. The user's media, in the order of users_have_local_media: the page.
SELECT
    NULL,
    m.user_id,
    m.media_id,
    m.media_type,
    m.upload_name,
    COALESCE(m.media_length, 0),
    COALESCE(m.created_ts, 0),
    m.last_access_ts,
    m.quarantined_by,
    m.safe_from_quarantine,
    m.url_cache IS NOT NULL,
    m.sha256,
    m.created_ts
FROM local_media_repository AS m
WHERE
    m.media_length IS NOT NULL
    AND m.created_ts IS NOT NULL
    AND m.media_id IS NOT NULL
    AND m.user_id = :user_id
ORDER BY m.created_ts ASC, m.media_id
LIMIT :limit + 1
OFFSET 0;


-- /v1/files?sha256=...
-- ====================

-- 39. Probes of the catalogue: is there an index on sha256?
SELECT 1
FROM pg_index AS i
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE
    i.indrelid = to_regclass('local_media_repository')
    AND i.indisvalid
    AND a.attname = 'sha256'
    AND (
        i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = '(sha256 IS NOT NULL)'
    );

-- 40. Probes of the catalogue: is there an index on sha256?
SELECT 1
FROM pg_index AS i
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE
    i.indrelid = to_regclass('remote_media_cache')
    AND i.indisvalid
    AND a.attname = 'sha256'
    AND (
        i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = '(sha256 IS NOT NULL)'
    );

-- 41. The copies, by local_media_repository_sha256 and remote_media_cache_sha256.
SELECT
    m.server_name,
    m.user_id,
    m.media_id,
    m.media_type,
    m.upload_name,
    m.media_length,
    m.created_ts,
    m.last_access_ts,
    m.quarantined_by,
    m.safe_from_quarantine,
    m.url_preview,
    m.sha256,
    m.sort_key
FROM (
    SELECT
        NULL AS server_name,
        m.user_id AS user_id,
        m.media_id AS media_id,
        m.media_type AS media_type,
        m.upload_name AS upload_name,
        COALESCE(m.media_length, 0) AS media_length,
        COALESCE(m.created_ts, 0) AS created_ts,
        m.last_access_ts AS last_access_ts,
        m.quarantined_by AS quarantined_by,
        m.safe_from_quarantine AS safe_from_quarantine,
        m.url_cache IS NOT NULL AS url_preview,
        m.sha256 AS sha256,
        NULL AS sort_key,
        0 AS is_remote
    FROM local_media_repository AS m
    WHERE
        m.media_length IS NOT NULL
        AND m.created_ts IS NOT NULL
        AND m.media_id IS NOT NULL
        AND m.sha256 = :sha256
    UNION ALL
    SELECT
        m.media_origin AS server_name,
        NULL AS user_id,
        m.media_id AS media_id,
        m.media_type AS media_type,
        m.upload_name AS upload_name,
        COALESCE(m.media_length, 0) AS media_length,
        COALESCE(m.created_ts, 0) AS created_ts,
        m.last_access_ts AS last_access_ts,
        m.quarantined_by AS quarantined_by,
        NULL AS safe_from_quarantine,
        NULL AS url_preview,
        m.sha256 AS sha256,
        NULL AS sort_key,
        1 AS is_remote
    FROM remote_media_cache AS m
    WHERE
        m.media_origin IS NOT NULL
        AND m.media_length IS NOT NULL
        AND m.created_ts IS NOT NULL
        AND m.media_origin IS NOT NULL
        AND m.media_id IS NOT NULL
        AND m.sha256 = :sha256
) AS m
WHERE TRUE
ORDER BY m.is_remote ASC, COALESCE(m.server_name, '') ASC, m.media_id ASC
LIMIT :limit + 1
OFFSET 0;


-- /v1/files?order_by=media_length&from=...
-- ========================================

-- Again: 6.

-- 42. The table, in parallel, of which the page is sorted; then the page, by the unique
-- index on media_id. 1.5 s.
SELECT
    NULL,
    m.user_id,
    m.media_id,
    m.media_type,
    m.upload_name,
    COALESCE(m.media_length, 0),
    COALESCE(m.created_ts, 0),
    m.last_access_ts,
    m.quarantined_by,
    m.safe_from_quarantine,
    m.url_cache IS NOT NULL,
    m.sha256,
    page.sort_key
FROM (
    SELECT m.media_id, m.media_length AS sort_key
    FROM local_media_repository AS m
    WHERE
        m.media_length IS NOT NULL
        AND m.created_ts IS NOT NULL
        AND m.media_id IS NOT NULL
        AND m.media_length <= :last_length
        AND (m.media_length < :last_length OR (m.media_id) > (:last_media_id))
    ORDER BY m.media_length DESC, m.media_id
    LIMIT :limit + 1
    OFFSET 0
) AS page
CROSS JOIN local_media_repository AS m
WHERE m.media_id = page.media_id
ORDER BY page.sort_key DESC, page.media_id;


-- /v1/files?min_length=...&media_type=image/*&unread_since_ts=...
-- ===============================================================

-- Again: 6.

-- 43. The table, in parallel, of which the page is sorted; then the page, by the unique
-- index on (media_origin, media_id).
SELECT
    m.media_origin,
    NULL,
    m.media_id,
    m.media_type,
    m.upload_name,
    COALESCE(m.media_length, 0),
    COALESCE(m.created_ts, 0),
    m.last_access_ts,
    m.quarantined_by,
    NULL,
    NULL,
    m.sha256,
    page.sort_key
FROM (
    SELECT
        m.media_origin,
        m.media_id,
        COALESCE(m.last_access_ts, m.created_ts) AS sort_key
    FROM remote_media_cache AS m
    WHERE
        m.media_origin IS NOT NULL
        AND m.media_length IS NOT NULL
        AND m.created_ts IS NOT NULL
        AND m.media_origin IS NOT NULL
        AND m.media_id IS NOT NULL
        AND substr(
            COALESCE(
                NULLIF(LOWER(TRIM(split_part(m.media_type, ';', 1)) COLLATE "C"), ''),
                'application/octet-stream'
            ),
            1,
            6
        ) = 'image/'
        AND m.media_length >= :min_length
        AND COALESCE(m.last_access_ts, m.created_ts) < :before_ts_30
    ORDER BY COALESCE(m.last_access_ts, m.created_ts) ASC, m.media_origin, m.media_id
    LIMIT :limit + 1
    OFFSET 0
) AS page
CROSS JOIN remote_media_cache AS m
WHERE m.media_origin = page.media_origin AND m.media_id = page.media_id
ORDER BY page.sort_key ASC, page.media_origin, page.media_id;


-- /v1/files?url_preview=true&order_by=media_length
-- ================================================

-- Again: 6.

-- 44. The images of URL previews, by local_media_repository_url_idx.
SELECT
    NULL,
    m.user_id,
    m.media_id,
    m.media_type,
    m.upload_name,
    COALESCE(m.media_length, 0),
    COALESCE(m.created_ts, 0),
    m.last_access_ts,
    m.quarantined_by,
    m.safe_from_quarantine,
    m.url_cache IS NOT NULL,
    m.sha256,
    page.sort_key
FROM (
    SELECT m.media_id, m.media_length AS sort_key
    FROM local_media_repository AS m
    WHERE
        m.media_length IS NOT NULL
        AND m.created_ts IS NOT NULL
        AND m.media_id IS NOT NULL
        AND (m.url_cache IS NOT NULL)
    ORDER BY m.media_length DESC, m.media_id
    LIMIT :limit + 1
    OFFSET 0
) AS page
CROSS JOIN local_media_repository AS m
WHERE m.media_id = page.media_id
ORDER BY page.sort_key DESC, page.media_id;


-- /v1/files?reclaimable_before_ts=...&size_gt=...
-- ===============================================

-- Again: 6.

-- 45. The table and all avatars, in parallel. 3 s.
SELECT
    NULL,
    m.user_id,
    m.media_id,
    m.media_type,
    m.upload_name,
    COALESCE(m.media_length, 0),
    COALESCE(m.created_ts, 0),
    m.last_access_ts,
    m.quarantined_by,
    m.safe_from_quarantine,
    m.url_cache IS NOT NULL,
    m.sha256,
    page.sort_key
FROM (
    SELECT m.media_id, COALESCE(m.media_length, 0) AS sort_key
    FROM local_media_repository AS m
    WHERE
        (
            m.last_access_ts < :before_ts_30
                OR (m.created_ts < :before_ts_30 AND m.last_access_ts IS NULL)
        )
        AND m.media_length > :size_gt
        AND m.media_id IS NOT NULL
        AND NOT (m.quarantined_by IS NOT NULL)
        AND NOT (m.safe_from_quarantine)
        AND NOT EXISTS (
            SELECT 1
            FROM unnest(
                ARRAY(
                    SELECT DISTINCT media_id
                    FROM (
                        SELECT substr(avatar_url, 19) AS media_id
                        FROM profiles
                        WHERE avatar_url LIKE :avatars
                        UNION ALL
                        SELECT substr(avatar_url, 19) AS media_id
                        FROM room_memberships
                        WHERE avatar_url LIKE :avatars
                        UNION ALL
                        SELECT substr(avatar_url, 19) AS media_id
                        FROM user_directory
                        WHERE avatar_url LIKE :avatars
                        UNION ALL
                        SELECT substr(avatar, 19) AS media_id
                        FROM room_stats_state
                        WHERE avatar LIKE :avatars
                    ) AS uris
                )
            ) AS avatars(media_id)
            WHERE avatars.media_id = m.media_id
        )
        AND m.media_id IS NOT NULL
    ORDER BY COALESCE(m.media_length, 0) DESC, m.media_id
    LIMIT :limit + 1
    OFFSET 0
) AS page
CROSS JOIN local_media_repository AS m
WHERE m.media_id = page.media_id
ORDER BY page.sort_key DESC, page.media_id;


-- /v1/reclaimable?thumbnails=true
-- ===============================

-- Again: 6.

-- 46. The table of local media, in parallel. 2.5 s.
SELECT
    COUNT(*),
    COALESCE(SUM(length), 0),
    before_0,
    before_1,
    before_2,
    is_not_quarantined,
    is_not_protected,
    is_not_url_preview
FROM (
    SELECT
        COALESCE(m.last_access_ts, m.created_ts) < :before_ts_365 AS before_0,
        COALESCE(m.last_access_ts, m.created_ts) < :before_ts_180 AS before_1,
        COALESCE(m.last_access_ts, m.created_ts) < :before_ts_90 AS before_2,
        NOT (m.quarantined_by IS NOT NULL) AS is_not_quarantined,
        NOT (m.safe_from_quarantine) AS is_not_protected,
        NOT (m.url_cache IS NOT NULL) AS is_not_url_preview,
        m.media_length AS length
    FROM local_media_repository AS m
    WHERE
        (
            m.last_access_ts < :before_ts_30
                OR (m.created_ts < :before_ts_30 AND m.last_access_ts IS NULL)
        )
        AND m.media_length > 0
        AND m.media_id IS NOT NULL
) AS files
GROUP BY
    before_0,
    before_1,
    before_2,
    is_not_quarantined,
    is_not_protected,
    is_not_url_preview;

-- 47. All avatars, in parallel; each by the unique index on media_id. 1.5 s.
SELECT
    COUNT(*),
    COALESCE(SUM(length), 0),
    before_0,
    before_1,
    before_2,
    is_not_url_preview
FROM (
    SELECT
        COALESCE(m.last_access_ts, m.created_ts) < :before_ts_365 AS before_0,
        COALESCE(m.last_access_ts, m.created_ts) < :before_ts_180 AS before_1,
        COALESCE(m.last_access_ts, m.created_ts) < :before_ts_90 AS before_2,
        NOT (m.url_cache IS NOT NULL) AS is_not_url_preview,
        m.media_length AS length
    FROM local_media_repository AS m
    WHERE
        EXISTS (
            SELECT 1
            FROM unnest(
                ARRAY(
                    SELECT DISTINCT media_id
                    FROM (
                        SELECT substr(avatar_url, 19) AS media_id
                        FROM profiles
                        WHERE avatar_url LIKE :avatars
                        UNION ALL
                        SELECT substr(avatar_url, 19) AS media_id
                        FROM room_memberships
                        WHERE avatar_url LIKE :avatars
                        UNION ALL
                        SELECT substr(avatar_url, 19) AS media_id
                        FROM user_directory
                        WHERE avatar_url LIKE :avatars
                        UNION ALL
                        SELECT substr(avatar, 19) AS media_id
                        FROM room_stats_state
                        WHERE avatar LIKE :avatars
                    ) AS uris
                )
            ) AS avatars(media_id)
            WHERE avatars.media_id = m.media_id
        )
        AND (
            m.last_access_ts < :before_ts_30
                OR (m.created_ts < :before_ts_30 AND m.last_access_ts IS NULL)
        )
        AND m.media_length > 0
        AND m.media_id IS NOT NULL
        AND NOT (m.quarantined_by IS NOT NULL)
        AND NOT (m.safe_from_quarantine)
) AS files
GROUP BY before_0, before_1, before_2, is_not_url_preview;

-- 48. With thumbnails=true only: a join of two tables, in parallel. 8 s.
SELECT
    COUNT(*),
    COALESCE(SUM(length), 0),
    before_0,
    before_1,
    before_2,
    is_not_url_preview
FROM (
    SELECT
        COALESCE(m.last_access_ts, m.created_ts) < :before_ts_365 AS before_0,
        COALESCE(m.last_access_ts, m.created_ts) < :before_ts_180 AS before_1,
        COALESCE(m.last_access_ts, m.created_ts) < :before_ts_90 AS before_2,
        NOT (m.url_cache IS NOT NULL) AS is_not_url_preview,
        t.thumbnail_length AS length
    FROM local_media_repository AS m
    JOIN local_media_repository_thumbnails AS t ON t.media_id = m.media_id
    WHERE
        (
            m.last_access_ts < :before_ts_30
                OR (m.created_ts < :before_ts_30 AND m.last_access_ts IS NULL)
        )
        AND m.media_length > 0
        AND m.media_id IS NOT NULL
        AND NOT (m.quarantined_by IS NOT NULL)
        AND NOT (m.safe_from_quarantine)
        AND NOT EXISTS (
            SELECT 1
            FROM unnest(
                ARRAY(
                    SELECT DISTINCT media_id
                    FROM (
                        SELECT substr(avatar_url, 19) AS media_id
                        FROM profiles
                        WHERE avatar_url LIKE :avatars
                        UNION ALL
                        SELECT substr(avatar_url, 19) AS media_id
                        FROM room_memberships
                        WHERE avatar_url LIKE :avatars
                        UNION ALL
                        SELECT substr(avatar_url, 19) AS media_id
                        FROM user_directory
                        WHERE avatar_url LIKE :avatars
                        UNION ALL
                        SELECT substr(avatar, 19) AS media_id
                        FROM room_stats_state
                        WHERE avatar LIKE :avatars
                    ) AS uris
                )
            ) AS avatars(media_id)
            WHERE avatars.media_id = m.media_id
        )
) AS files
GROUP BY before_0, before_1, before_2, is_not_url_preview;

-- 49. The table of remote media, in parallel. 2.5 s.
SELECT
    COUNT(*),
    COALESCE(SUM(length), 0),
    before_0,
    before_1,
    before_2,
    is_not_quarantined
FROM (
    SELECT
        m.last_access_ts < :before_ts_365 AS before_0,
        m.last_access_ts < :before_ts_180 AS before_1,
        m.last_access_ts < :before_ts_90 AS before_2,
        NOT (m.quarantined_by IS NOT NULL) AS is_not_quarantined,
        m.media_length AS length
    FROM remote_media_cache AS m
    WHERE
        m.last_access_ts < :before_ts_30
        AND m.media_origin IS NOT NULL
        AND m.media_id IS NOT NULL
) AS files
GROUP BY before_0, before_1, before_2, is_not_quarantined;

-- 50. With thumbnails=true only: a join of two tables, in parallel. 8 s.
SELECT COUNT(*), COALESCE(SUM(length), 0), before_0, before_1, before_2
FROM (
    SELECT
        m.last_access_ts < :before_ts_365 AS before_0,
        m.last_access_ts < :before_ts_180 AS before_1,
        m.last_access_ts < :before_ts_90 AS before_2,
        t.thumbnail_length AS length
    FROM remote_media_cache AS m
    JOIN remote_media_cache_thumbnails AS t ON t.media_origin = m.media_origin
        AND t.media_id = m.media_id
    WHERE
        m.last_access_ts < :before_ts_30
        AND m.media_origin IS NOT NULL
        AND m.media_id IS NOT NULL
        AND NOT (m.quarantined_by IS NOT NULL)
) AS files
GROUP BY before_0, before_1, before_2;


-- /v1/users?order_by=media_length, from totals
-- ============================================

-- Again: 1, 2.

-- 51. The page, in the order of media_stats_owners_by_length. 0.3 ms.
SELECT
    CAST(:owners AS BIGINT),
    owner,
    (
        SELECT MIN(p.displayname)
        FROM profiles AS p
        WHERE p.full_user_id = page.owner
    ),
    media_count,
    media_length
FROM (
    SELECT owner, media_count, media_length
    FROM media_stats_owners
    WHERE source = 'local'
    ORDER BY media_length DESC, owner
    LIMIT :limit
    OFFSET :from
) AS page
ORDER BY media_length DESC, owner;


-- /v1/users?search_term=..., from totals
-- ======================================

-- Again: 1, 2, 6.

-- 52. The totals of all users, and profiles. 0.2 s.
WITH
    owners AS (
        SELECT owner, media_count, media_length
        FROM media_stats_owners
        WHERE source = 'local'
    ),
    matched AS (
        SELECT
            owners.owner,
            owners.media_count,
            owners.media_length,
            p.displayname AS displayname
        FROM owners
        LEFT JOIN (
            SELECT p.full_user_id, MIN(p.displayname) AS displayname
            FROM profiles AS p
            GROUP BY p.full_user_id
        ) AS p ON p.full_user_id = owners.owner
        WHERE
            TRUE
            AND (
                substr(split_part(owners.owner, ':', 1), 2) ~ :pattern
                    OR p.displayname ~ :pattern
            )
    ),
    page AS (
        SELECT *
        FROM matched
        ORDER BY owner ASC
        LIMIT :limit
        OFFSET :from
    )
SELECT (SELECT COUNT(*) FROM matched), owner, displayname, media_count, media_length
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY owner ASC;


-- /v1/appservices, from totals
-- ============================

-- Again: 1, 2, 6.

-- 53. The totals of all users, and all accounts. 0.1 s.
WITH owners AS (
    SELECT owner, media_count, media_length
    FROM media_stats_owners
    WHERE source = 'local'
)
SELECT
    NULLIF(u.appservice_id, ''),
    u.name IS NOT NULL,
    COUNT(*),
    SUM(o.media_count),
    COALESCE(SUM(o.media_length), 0),
    COUNT(CASE WHEN u.deactivated = 1 THEN 1 END),
    SUM(CASE WHEN u.deactivated = 1 THEN o.media_count END),
    COALESCE(SUM(CASE WHEN u.deactivated = 1 THEN o.media_length END), 0)
FROM owners AS o
LEFT JOIN users AS u ON u.name = o.owner
GROUP BY 1, 2;


-- /v1/summary, from totals
-- ========================

-- Again: 1, 2, 4.

-- 54. No rows: statement 2 has read the number of users.
SELECT
    CAST(:owners AS BIGINT),
    owner,
    (
        SELECT MIN(p.displayname)
        FROM profiles AS p
        WHERE p.full_user_id = page.owner
    ),
    media_count,
    media_length
FROM (
    SELECT owner, media_count, media_length
    FROM media_stats_owners
    WHERE source = 'local'
    ORDER BY owner ASC
    LIMIT 0
    OFFSET 0
) AS page
ORDER BY owner ASC;

-- 55. The totals by kind and the change log, both short.
SELECT
    media_group,
    is_owned,
    is_url_preview,
    is_quarantined,
    is_protected,
    SUM(media_count),
    SUM(media_length)
FROM (
    SELECT
        media_group,
        is_owned,
        is_url_preview,
        is_quarantined,
        is_protected,
        media_count,
        media_length
    FROM media_stats_kinds
    WHERE source = 'local'
    UNION ALL
    SELECT
        media_group,
        is_owned,
        is_url_preview,
        is_quarantined,
        is_protected,
        media_count,
        media_length
    FROM media_stats_changes
    WHERE source = 'local' AND media_group IS NOT NULL
) AS totals
GROUP BY media_group, is_owned, is_url_preview, is_quarantined, is_protected;

-- 56. No rows: statement 4 has read the number of servers.
SELECT CAST(:owners AS BIGINT), owner, NULL, media_count, media_length
FROM (
    SELECT owner, media_count, media_length
    FROM media_stats_owners
    WHERE source = 'remote'
    ORDER BY owner ASC
    LIMIT 0
    OFFSET 0
) AS page
ORDER BY owner ASC;

-- 57. The totals by kind of remote media and the change log.
SELECT
    media_group,
    is_owned,
    is_url_preview,
    is_quarantined,
    is_protected,
    SUM(media_count),
    SUM(media_length)
FROM (
    SELECT
        media_group,
        is_owned,
        is_url_preview,
        is_quarantined,
        is_protected,
        media_count,
        media_length
    FROM media_stats_kinds
    WHERE source = 'remote'
    UNION ALL
    SELECT
        media_group,
        is_owned,
        is_url_preview,
        is_quarantined,
        is_protected,
        media_count,
        media_length
    FROM media_stats_changes
    WHERE source = 'remote' AND media_group IS NOT NULL
) AS totals
GROUP BY media_group, is_owned, is_url_preview, is_quarantined, is_protected;


-- /v1/timeline, from totals
-- =========================

-- Again: 1, 2.

-- 58. The totals per day and the change log, both short.
SELECT day, SUM(media_count), SUM(media_length)
FROM (
    SELECT day, media_count, media_length
    FROM media_stats_days
    WHERE source = 'local'
    UNION ALL
    SELECT day, media_count, media_length
    FROM media_stats_changes
    WHERE source = 'local' AND day IS NOT NULL
) AS totals
GROUP BY day
HAVING SUM(media_count) <> CAST(0 AS NUMERIC)
ORDER BY day;


-- /v1/timeline?from_ts=...&until_ts=..., from totals
-- ==================================================

-- Again: 1, 2, 8.

-- 59. Probes of the catalogue: is there the index by time?
SELECT 1
FROM pg_index AS i
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE
    i.indrelid = to_regclass('local_media_repository')
    AND i.indisvalid
    AND a.attname = 'created_ts'
    AND (
        i.indpred IS NULL
            OR pg_get_expr(i.indpred, i.indrelid) = '(created_ts IS NOT NULL)'
    );

-- 60. The totals of the whole days.
SELECT day, SUM(media_count), SUM(media_length)
FROM (
    SELECT day, media_count, media_length
    FROM media_stats_days
    WHERE source = 'local' AND day >= :first_day AND day <= :last_day
    UNION ALL
    SELECT day, media_count, media_length
    FROM media_stats_changes
    WHERE
        source = 'local'
        AND day >= :first_day
        AND day <= :last_day
        AND day IS NOT NULL
) AS totals
GROUP BY day
HAVING SUM(media_count) <> CAST(0 AS NUMERIC)
ORDER BY day;

-- 61. The rest of the first day, a range of media_stats_local_by_time.
SELECT
    (
        COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 - CASE
            WHEN COALESCE(
                CAST(m.created_ts AS BIGINT),
                0
            ) < COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 * 86400000 THEN 1
            ELSE 0
            END
    ),
    COUNT(*),
    COALESCE(SUM(m.media_length), 0)
FROM local_media_repository AS m
WHERE
    m.user_id IS NOT NULL
    AND m.media_length IS NOT NULL
    AND m.created_ts >= :from_ts
    AND m.created_ts <= :end_of_first_part_ts
GROUP BY (
    COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 - CASE
        WHEN COALESCE(
            CAST(m.created_ts AS BIGINT),
            0
        ) < COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 * 86400000 THEN 1
        ELSE 0
        END
);

-- 62. The rest of the last day, a range of the same index.
SELECT
    (
        COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 - CASE
            WHEN COALESCE(
                CAST(m.created_ts AS BIGINT),
                0
            ) < COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 * 86400000 THEN 1
            ELSE 0
            END
    ),
    COUNT(*),
    COALESCE(SUM(m.media_length), 0)
FROM local_media_repository AS m
WHERE
    m.user_id IS NOT NULL
    AND m.media_length IS NOT NULL
    AND m.created_ts >= :start_of_last_part_ts
    AND m.created_ts <= :until_ts
GROUP BY (
    COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 - CASE
        WHEN COALESCE(
            CAST(m.created_ts AS BIGINT),
            0
        ) < COALESCE(CAST(m.created_ts AS BIGINT), 0) / 86400000 * 86400000 THEN 1
        ELSE 0
        END
);


-- /v1/users?order_by=media_length, from totals and a change log
-- =============================================================

-- Again: 1, 2.

-- 63. The change log, the page in the order of media_stats_owners_by_length, and a
-- probe of media_stats_owners for each user in the log. 1 to 20 ms.
WITH
    delta AS (
        SELECT
            owner,
            CAST(SUM(media_count) AS BIGINT) AS media_count,
            SUM(media_length) AS media_length
        FROM media_stats_changes
        WHERE source = 'local' AND owner IS NOT NULL
        GROUP BY owner
    ),
    changed AS (
        SELECT
            delta.owner,
            delta.media_count + COALESCE(o.media_count, 0) AS media_count,
            delta.media_length + COALESCE(o.media_length, 0) AS media_length,
            o.owner IS NOT NULL AS is_kept
        FROM delta
        LEFT JOIN media_stats_owners AS o ON o.source = 'local'
            AND o.owner = delta.owner
    ),
    kept AS (
        SELECT owner, media_count, media_length
        FROM media_stats_owners
        WHERE source = 'local' AND owner NOT IN (SELECT owner FROM delta)
        ORDER BY media_length DESC, owner
        LIMIT :from + :limit
    ),
    page AS (
        SELECT *
        FROM (
            SELECT *
            FROM kept
            UNION ALL
            SELECT owner, media_count, media_length
            FROM changed
            WHERE media_count <> 0
        ) AS owners
        ORDER BY media_length DESC, owner
        LIMIT :limit
        OFFSET :from
    )
SELECT
    CAST(:owners AS BIGINT) + (
        SELECT COUNT(*)
        FROM changed
        WHERE media_count <> 0
    ) - (SELECT COUNT(*) FROM changed WHERE is_kept),
    owner,
    (
        SELECT MIN(p.displayname)
        FROM profiles AS p
        WHERE p.full_user_id = page.owner
    ),
    media_count,
    media_length
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY media_length DESC, owner;


-- /v1/users?search_term=..., from totals and a change log
-- =======================================================

-- Again: 1, 2, 6.

-- 64. The totals of all users, profiles and the change log. 0.2 s.
WITH
    delta AS (
        SELECT
            owner,
            CAST(SUM(media_count) AS BIGINT) AS media_count,
            SUM(media_length) AS media_length
        FROM media_stats_changes
        WHERE source = 'local' AND owner IS NOT NULL
        GROUP BY owner
    ),
    changed AS (
        SELECT
            delta.owner,
            delta.media_count + COALESCE(o.media_count, 0) AS media_count,
            delta.media_length + COALESCE(o.media_length, 0) AS media_length,
            o.owner IS NOT NULL AS is_kept
        FROM delta
        LEFT JOIN media_stats_owners AS o ON o.source = 'local'
            AND o.owner = delta.owner
    ),
    owners AS (
        SELECT owner, media_count, media_length
        FROM media_stats_owners
        WHERE source = 'local' AND owner NOT IN (SELECT owner FROM delta)
        UNION ALL
        SELECT owner, media_count, media_length
        FROM changed
        WHERE media_count <> 0
    ),
    matched AS (
        SELECT
            owners.owner,
            owners.media_count,
            owners.media_length,
            p.displayname AS displayname
        FROM owners
        LEFT JOIN (
            SELECT p.full_user_id, MIN(p.displayname) AS displayname
            FROM profiles AS p
            GROUP BY p.full_user_id
        ) AS p ON p.full_user_id = owners.owner
        WHERE
            TRUE
            AND (
                substr(split_part(owners.owner, ':', 1), 2) ~ :pattern
                    OR p.displayname ~ :pattern
            )
    ),
    page AS (
        SELECT *
        FROM matched
        ORDER BY owner ASC
        LIMIT :limit
        OFFSET :from
    )
SELECT (SELECT COUNT(*) FROM matched), owner, displayname, media_count, media_length
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY owner ASC;


-- python -m media_stats_module disk: local files
-- ==============================================

-- 65. A probe of the catalogue.
SELECT 'Z' < 'a';

-- 66. A page of 1,000, along the unique index on media_id. 2 ms.
SELECT
    m.media_id,
    NULL,
    m.media_length,
    m.created_ts,
    CASE WHEN m.url_cache IS NULL THEN 0 ELSE 1 END
FROM local_media_repository AS m
WHERE m.url_cache IS NULL AND m.media_id IS NOT NULL
ORDER BY m.media_id
LIMIT 1000;

-- 67. A page of 1,000, along the unique index on the thumbnails. 2 ms.
SELECT
    t.media_id,
    NULL,
    t.thumbnail_length,
    NULL,
    CASE WHEN m.url_cache IS NULL THEN 0 ELSE 1 END,
    t.thumbnail_width,
    t.thumbnail_height,
    t.thumbnail_type,
    t.thumbnail_method
FROM local_media_repository_thumbnails AS t
LEFT JOIN local_media_repository AS m ON m.media_id = t.media_id
WHERE 1 = 1 AND t.media_id IS NOT NULL
ORDER BY t.media_id
LIMIT 1000;


-- python -m media_stats_module disk: URL previews
-- ===============================================

-- Again: 65.

-- 68. All previews whose ID has no day, by local_media_repository_url_idx or else the
-- table.
SELECT
    m.media_id,
    NULL,
    m.media_length,
    m.created_ts,
    CASE WHEN m.url_cache IS NULL THEN 0 ELSE 1 END
FROM local_media_repository AS m
WHERE
    m.url_cache IS NOT NULL
    AND NOT (m.media_id ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}')
    AND m.media_id IS NOT NULL
ORDER BY m.media_id
LIMIT 1000;

-- 69. The next day, along the unique index on media_id.
SELECT m.media_id
FROM local_media_repository AS m
WHERE
    m.media_id >= ''
    AND m.media_id < ':'
    AND m.url_cache IS NOT NULL
    AND m.media_id ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}'
ORDER BY m.media_id
LIMIT 1;


-- python -m media_stats_module disk: remote files
-- ===============================================

-- Again: 65.

-- 70. A probe of the unique index on (media_origin, media_id) for each server.
WITH RECURSIVE servers(media_origin) AS (
    SELECT (
        SELECT media_origin
        FROM remote_media_cache
        WHERE media_origin >= ''
        ORDER BY media_origin
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT media_origin
        FROM remote_media_cache
        WHERE media_origin > servers.media_origin
        ORDER BY media_origin
        LIMIT 1
    )
    FROM servers
    WHERE media_origin IS NOT NULL
)
SELECT media_origin
FROM servers
WHERE media_origin IS NOT NULL
LIMIT 400;

-- 71. The same, from the last server on.
WITH RECURSIVE servers(media_origin) AS (
    SELECT (
        SELECT media_origin
        FROM remote_media_cache
        WHERE media_origin > :last_server_name
        ORDER BY media_origin
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT media_origin
        FROM remote_media_cache
        WHERE media_origin > servers.media_origin
        ORDER BY media_origin
        LIMIT 1
    )
    FROM servers
    WHERE media_origin IS NOT NULL
)
SELECT media_origin
FROM servers
WHERE media_origin IS NOT NULL
LIMIT 400;

-- 72. Settings of this transaction only.
SELECT set_config(
    'work_mem',
    CAST(GREATEST(pg_size_bytes(current_setting('work_mem')) / 1024, 65536) AS TEXT),
    true
);

-- 73. The server's rows, by the same index, sorted by filesystem_id. PostgreSQL keeps
-- them until CLOSE: 100 bytes a row, on its disk if there are many.
 DECLARE media_stats_disk_1 NO SCROLL CURSOR
WITH HOLD FOR
SELECT COALESCE(m.filesystem_id, ''), m.media_id, m.media_length, m.created_ts, 0
FROM remote_media_cache AS m
WHERE m.media_origin = :server_name AND COALESCE(m.filesystem_id, '') IS NOT NULL
ORDER BY COALESCE(m.filesystem_id, '');

-- 74. A page of 1,000 of these rows.
 FETCH 1000
FROM media_stats_disk_1;

-- 75. Drops these rows.
 CLOSE media_stats_disk_1;


-- python -m media_stats_module disk: differences, looked at again
-- ===============================================================

-- Again: 65.

-- 76. A probe of the unique index on media_id for each of up to 20,000 rows.
SELECT
    m.media_id,
    NULL,
    m.media_length,
    m.created_ts,
    CASE WHEN m.url_cache IS NULL THEN 0 ELSE 1 END
FROM local_media_repository AS m
WHERE 1 = 1 AND (m.media_id IN (SELECT unnest(CAST(:names AS TEXT[]))));

-- 77. A probe of that on (media_origin, media_id) for each, likewise.
SELECT COALESCE(m.filesystem_id, ''), m.media_id, m.media_length, m.created_ts, 0
FROM remote_media_cache AS m
WHERE
    m.media_origin = :server_name
    AND (m.media_id IN (SELECT unnest(CAST(:names AS TEXT[]))));

-- 78. Of up to 20,000 files of a server: all rows of the server, once.
SELECT COALESCE(m.filesystem_id, ''), m.media_id, m.media_length, m.created_ts, 0
FROM remote_media_cache AS m
WHERE
    m.media_origin = :server_name
    AND (COALESCE(m.filesystem_id, '') IN (SELECT unnest(CAST(:names AS TEXT[]))));

-- 79. Likewise, all thumbnails of the server.
SELECT
    COALESCE(t.filesystem_id, ''),
    t.media_id,
    t.thumbnail_length,
    NULL,
    0,
    t.thumbnail_width,
    t.thumbnail_height,
    t.thumbnail_type,
    t.thumbnail_method
FROM remote_media_cache_thumbnails AS t
WHERE
    t.media_origin = :server_name
    AND (
        COALESCE(t.filesystem_id, '') IN (SELECT unnest(CAST(:names AS TEXT[])))
            OR t.media_id IN (SELECT unnest(CAST(:names AS TEXT[])))
    );
