-- The SQL of every question, as SQLite gets it. All of it only reads.
-- Written by docs/statements.py; do not edit.
--
-- Parameters have the names of the API's. They are always bound, never put into the
-- text. Statements that are the same on PostgreSQL are in statements.sql
-- only, and so are the costs.


-- /v1/users?order_by=media_length
-- ===============================

-- 1.
WITH
    owners AS (
        SELECT
            m.user_id AS owner,
            COUNT(*) AS media_count,
            printf(
                '%020d.%010d',
                5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
                    COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
                ),
                COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
            ) AS media_length
        FROM local_media_repository AS m NOT INDEXED
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

-- 2.
WITH
    owners AS (
        SELECT
            m.user_id AS owner,
            COUNT(*) AS media_count,
            printf(
                '%020d.%010d',
                5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
                    COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
                ),
                COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
            ) AS media_length
        FROM local_media_repository AS m NOT INDEXED
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

-- 3.
SELECT 1
FROM pragma_index_list('local_media_repository') AS l, pragma_index_info(l.name) AS i
JOIN sqlite_master AS s ON s.type = 'index' AND s.name = l.name
WHERE
    i.seqno = 0
    AND i.name = 'user_id'
    AND (l.partial = 0 OR s.sql LIKE '%WHERE ' || 'user_id IS NOT NULL');

-- 4.
SELECT MAX(rowid)
FROM local_media_repository;

-- 5.
SELECT
    m.user_id,
    COUNT(*),
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
            COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
        ),
        COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
    )
FROM local_media_repository AS m
WHERE
    m.user_id IS NOT NULL
    AND m.media_length IS NOT NULL
    AND m.user_id IN (:user_id_1, :user_id_2, :user_id_3)
GROUP BY m.user_id;


-- /v1/users?order_by=displayname
-- ==============================

-- Again: 3, 4, 5.


-- /v1/users?search_term=...
-- =========================

-- Again: 3, 4.

-- 6.
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
                substr(owners.owner, 2, instr(owners.owner, ':') - 2) GLOB :pattern
                    OR p.displayname GLOB :pattern
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

-- 7.
WITH
    owners AS (
        SELECT
            m.media_origin AS owner,
            COUNT(*) AS media_count,
            printf(
                '%020d.%010d',
                5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
                    COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
                ),
                COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
            ) AS media_length
        FROM remote_media_cache AS m NOT INDEXED
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

-- 8.
WITH owners AS (
    SELECT
        m.user_id AS owner,
        COUNT(*) AS media_count,
        printf(
            '%020d.%010d',
            5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
                COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
            ),
            COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
        ) AS media_length
    FROM local_media_repository AS m NOT INDEXED
    WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL
    GROUP BY m.user_id
)
SELECT
    NULLIF(u.appservice_id, ''),
    u.name IS NOT NULL,
    COUNT(*),
    SUM(o.media_count),
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(
            SUM(CAST(substr(o.media_length, 1, 20) AS INTEGER) - 5000000000000000000),
            0
        ) + (COALESCE(SUM(CAST(substr(o.media_length, 22) AS INTEGER)), 0) >> 32),
        COALESCE(SUM(CAST(substr(o.media_length, 22) AS INTEGER)), 0) & 4294967295
    ),
    COUNT(CASE WHEN u.deactivated = 1 THEN 1 END),
    SUM(CASE WHEN u.deactivated = 1 THEN o.media_count END),
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(
            SUM(
                CAST(
                    substr(
                        CASE WHEN u.deactivated = 1 THEN o.media_length END,
                        1,
                        20
                    ) AS INTEGER
                ) - 5000000000000000000
            ),
            0
        ) + (COALESCE(SUM(CAST(substr(CASE WHEN u.deactivated = 1 THEN o.media_length END, 22) AS INTEGER)), 0) >> 32),
        COALESCE(
            SUM(
                CAST(
                    substr(
                        CASE WHEN u.deactivated = 1 THEN o.media_length END,
                        22
                    ) AS INTEGER
                )
            ),
            0
        ) & 4294967295
    )
FROM owners AS o
LEFT JOIN users AS u ON u.name = o.owner
GROUP BY 1, 2;


-- /v1/users?appservice=...&order_by=media_length
-- ==============================================

-- 9.
WITH
    owners AS (
        SELECT
            m.user_id AS owner,
            COUNT(*) AS media_count,
            printf(
                '%020d.%010d',
                5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
                    COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
                ),
                COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
            ) AS media_length
        FROM local_media_repository AS m NOT INDEXED
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

-- 10.
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
    SELECT m.media_id, CAST(m.media_length AS INTEGER) AS sort_key
    FROM local_media_repository AS m NOT INDEXED
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
    ORDER BY CAST(m.media_length AS INTEGER) DESC, m.media_id
    LIMIT :limit + 1
    OFFSET 0
) AS page
CROSS JOIN local_media_repository AS m
WHERE m.media_id = page.media_id
ORDER BY page.sort_key DESC, page.media_id;


-- /v1/types?has_account=false&erased=false
-- ========================================

-- 11.
WITH
    given AS (
        SELECT
            m.media_type AS content_type,
            COUNT(*) AS media_count,
            printf(
                '%020d.%010d',
                5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
                    COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
                ),
                COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
            ) AS media_length
        FROM local_media_repository AS m NOT INDEXED
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
                NULLIF(
                    LOWER(
                        TRIM(
                            substr(content_type, 1, instr(content_type || ';', ';') - 1)
                        )
                    ),
                    ''
                ),
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
            printf(
                '%020d.%010d',
                5000000000000000000 + COALESCE(
                    SUM(
                        CAST(
                            substr(media_length, 1, 20) AS INTEGER
                        ) - 5000000000000000000
                    ),
                    0
                ) + (COALESCE(SUM(CAST(substr(media_length, 22) AS INTEGER)), 0) >> 32),
                COALESCE(SUM(CAST(substr(media_length, 22) AS INTEGER)), 0) & 4294967295
            ) AS media_length
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

-- Again: 3, 4.

-- 12.
SELECT
    CASE
        WHEN is_pending THEN 'pending'
        ELSE CASE
        WHEN substr(
            COALESCE(
                NULLIF(
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
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
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
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
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
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
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
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
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
                    ''
                ),
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
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(
            SUM(CAST(substr(media_length, 1, 20) AS INTEGER) - 5000000000000000000),
            0
        ) + (COALESCE(SUM(CAST(substr(media_length, 22) AS INTEGER)), 0) >> 32),
        COALESCE(SUM(CAST(substr(media_length, 22) AS INTEGER)), 0) & 4294967295
    ) AS media_length
FROM (
    SELECT
        m.media_type,
        m.media_length IS NULL AS is_pending,
        m.user_id IS NOT NULL AS is_owned,
        m.url_cache IS NOT NULL AS is_url_preview,
        m.quarantined_by IS NOT NULL AS is_quarantined,
        COALESCE(m.safe_from_quarantine, FALSE) AS is_protected,
        COUNT(*) AS media_count,
        printf(
            '%020d.%010d',
            5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
                COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
            ),
            COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
        ) AS media_length
    FROM local_media_repository AS m NOT INDEXED
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
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(SUM(t.thumbnail_length >> 32), 0) + (
            COALESCE(SUM(t.thumbnail_length & 4294967295), 0) >> 32
        ),
        COALESCE(SUM(t.thumbnail_length & 4294967295), 0) & 4294967295
    )
FROM local_media_repository_thumbnails AS t
HAVING COUNT(*) > 0;

-- 13.
SELECT
    CASE
        WHEN is_pending THEN 'pending'
        ELSE CASE
        WHEN substr(
            COALESCE(
                NULLIF(
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
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
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
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
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
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
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
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
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
                    ''
                ),
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
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(
            SUM(CAST(substr(media_length, 1, 20) AS INTEGER) - 5000000000000000000),
            0
        ) + (COALESCE(SUM(CAST(substr(media_length, 22) AS INTEGER)), 0) >> 32),
        COALESCE(SUM(CAST(substr(media_length, 22) AS INTEGER)), 0) & 4294967295
    ) AS media_length
FROM (
    SELECT
        m.media_type,
        m.media_length IS NULL AS is_pending,
        m.media_origin IS NOT NULL AS is_owned,
        FALSE AS is_url_preview,
        m.quarantined_by IS NOT NULL AS is_quarantined,
        FALSE AS is_protected,
        COUNT(*) AS media_count,
        printf(
            '%020d.%010d',
            5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
                COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
            ),
            COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
        ) AS media_length
    FROM remote_media_cache AS m NOT INDEXED
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
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(SUM(t.thumbnail_length >> 32), 0) + (
            COALESCE(SUM(t.thumbnail_length & 4294967295), 0) >> 32
        ),
        COALESCE(SUM(t.thumbnail_length & 4294967295), 0) & 4294967295
    )
FROM remote_media_cache_thumbnails AS t
HAVING COUNT(*) > 0;

-- 14.
SELECT 1
FROM pragma_index_list('remote_media_cache') AS l, pragma_index_info(l.name) AS i
JOIN sqlite_master AS s ON s.type = 'index' AND s.name = l.name
WHERE
    i.seqno = 0
    AND i.name = 'media_origin'
    AND (l.partial = 0 OR s.sql LIKE '%WHERE ' || 'media_origin IS NOT NULL');

-- 15.
SELECT MAX(rowid)
FROM remote_media_cache;


-- /v1/summary?user=...
-- ====================

-- 16.
SELECT
    CASE
        WHEN is_pending THEN 'pending'
        ELSE CASE
        WHEN substr(
            COALESCE(
                NULLIF(
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
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
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
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
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
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
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
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
                    LOWER(
                        TRIM(substr(media_type, 1, instr(media_type || ';', ';') - 1))
                    ),
                    ''
                ),
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
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(
            SUM(CAST(substr(media_length, 1, 20) AS INTEGER) - 5000000000000000000),
            0
        ) + (COALESCE(SUM(CAST(substr(media_length, 22) AS INTEGER)), 0) >> 32),
        COALESCE(SUM(CAST(substr(media_length, 22) AS INTEGER)), 0) & 4294967295
    ) AS media_length
FROM (
    SELECT
        m.media_type,
        m.media_length IS NULL AS is_pending,
        m.user_id IS NOT NULL AS is_owned,
        m.url_cache IS NOT NULL AS is_url_preview,
        m.quarantined_by IS NOT NULL AS is_quarantined,
        COALESCE(m.safe_from_quarantine, FALSE) AS is_protected,
        COUNT(*) AS media_count,
        printf(
            '%020d.%010d',
            5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
                COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
            ),
            COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
        ) AS media_length
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
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(SUM(t.thumbnail_length >> 32), 0) + (
            COALESCE(SUM(t.thumbnail_length & 4294967295), 0) >> 32
        ),
        COALESCE(SUM(t.thumbnail_length & 4294967295), 0) & 4294967295
    )
FROM local_media_repository AS m
JOIN local_media_repository_thumbnails AS t ON t.media_id = m.media_id
WHERE m.user_id = :user_id
HAVING COUNT(*) > 0;


-- /v1/summary?source=local&duplicates=true
-- ========================================

-- Again: 12, 3, 4.

-- 17.
WITH contents AS (
    SELECT
        sha256,
        MAX(media_length) AS media_length,
        COUNT(*) AS copies,
        SUM(is_remote) AS remote_copies
    FROM (
        SELECT m.sha256 AS sha256, m.media_length, 0 AS is_remote
        FROM local_media_repository AS m NOT INDEXED
        WHERE m.sha256 <> '' AND m.media_length IS NOT NULL
    ) AS files
    GROUP BY sha256
    HAVING COUNT(*) > 1
)
SELECT
    SUM(copies - 1),
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(SUM((media_length >> 32) * (copies - 1)), 0) + (
            COALESCE(SUM((media_length & 4294967295) * (copies - 1)), 0) >> 32
        ),
        COALESCE(SUM((media_length & 4294967295) * (copies - 1)), 0) & 4294967295
    )
FROM contents;


-- /v1/duplicates
-- ==============

-- 18.
WITH
    contents AS (
        SELECT
            sha256,
            MAX(media_length) AS media_length,
            COUNT(*) AS copies,
            SUM(is_remote) AS remote_copies
        FROM (
            SELECT m.sha256 AS sha256, m.media_length, 0 AS is_remote
            FROM local_media_repository AS m NOT INDEXED
            WHERE m.sha256 <> '' AND m.media_length IS NOT NULL
            UNION ALL
            SELECT m.sha256 AS sha256, m.media_length, 1 AS is_remote
            FROM remote_media_cache AS m NOT INDEXED
            WHERE m.sha256 <> '' AND m.media_length IS NOT NULL
        ) AS files
        GROUP BY sha256
        HAVING COUNT(*) > 1
    ),
    page AS (
        SELECT *
        FROM contents
        ORDER BY
            printf(
                '%020d.%010d',
                5000000000000000000 + COALESCE((media_length >> 32) * (copies - 1), 0) + (
                    COALESCE((media_length & 4294967295) * (copies - 1), 0) >> 32
                ),
                COALESCE((media_length & 4294967295) * (copies - 1), 0) & 4294967295
            ) DESC,
            sha256
        LIMIT :limit
        OFFSET :from
    )
SELECT (SELECT COUNT(*) FROM contents), sha256, media_length, copies, remote_copies
FROM (SELECT 1 AS one) AS always
LEFT JOIN page ON one = 1
ORDER BY
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE((media_length >> 32) * (copies - 1), 0) + (
            COALESCE((media_length & 4294967295) * (copies - 1), 0) >> 32
        ),
        COALESCE((media_length & 4294967295) * (copies - 1), 0) & 4294967295
    ) DESC,
    sha256;


-- /v1/timeline
-- ============

-- 19.
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
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
            COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
        ),
        COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
    )
FROM local_media_repository AS m NOT INDEXED
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

-- 20.
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
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
            COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
        ),
        COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
    )
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

-- 21.
WITH
    given AS (
        SELECT
            m.media_type AS content_type,
            COUNT(*) AS media_count,
            printf(
                '%020d.%010d',
                5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
                    COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
                ),
                COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
            ) AS media_length
        FROM local_media_repository AS m NOT INDEXED
        WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL
        GROUP BY m.media_type
    ),
    named AS (
        SELECT
            COALESCE(
                NULLIF(
                    LOWER(
                        TRIM(
                            substr(content_type, 1, instr(content_type || ';', ';') - 1)
                        )
                    ),
                    ''
                ),
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
            printf(
                '%020d.%010d',
                5000000000000000000 + COALESCE(
                    SUM(
                        CAST(
                            substr(media_length, 1, 20) AS INTEGER
                        ) - 5000000000000000000
                    ),
                    0
                ) + (COALESCE(SUM(CAST(substr(media_length, 22) AS INTEGER)), 0) >> 32),
                COALESCE(SUM(CAST(substr(media_length, 22) AS INTEGER)), 0) & 4294967295
            ) AS media_length
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

-- 22.
WITH
    given AS (
        SELECT
            m.media_type AS content_type,
            COUNT(*) AS media_count,
            printf(
                '%020d.%010d',
                5000000000000000000 + COALESCE(SUM(m.media_length >> 32), 0) + (
                    COALESCE(SUM(m.media_length & 4294967295), 0) >> 32
                ),
                COALESCE(SUM(m.media_length & 4294967295), 0) & 4294967295
            ) AS media_length
        FROM local_media_repository AS m NOT INDEXED
        WHERE m.user_id IS NOT NULL AND m.media_length IS NOT NULL
        GROUP BY m.media_type
    ),
    named AS (
        SELECT
            CASE
                WHEN substr(
                    COALESCE(
                        NULLIF(
                            LOWER(
                                TRIM(
                                    substr(
                                        content_type,
                                        1,
                                        instr(content_type || ';', ';') - 1
                                    )
                                )
                            ),
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
                            LOWER(
                                TRIM(
                                    substr(
                                        content_type,
                                        1,
                                        instr(content_type || ';', ';') - 1
                                    )
                                )
                            ),
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
                            LOWER(
                                TRIM(
                                    substr(
                                        content_type,
                                        1,
                                        instr(content_type || ';', ';') - 1
                                    )
                                )
                            ),
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
                            LOWER(
                                TRIM(
                                    substr(
                                        content_type,
                                        1,
                                        instr(content_type || ';', ';') - 1
                                    )
                                )
                            ),
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
                            LOWER(
                                TRIM(
                                    substr(
                                        content_type,
                                        1,
                                        instr(content_type || ';', ';') - 1
                                    )
                                )
                            ),
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
            printf(
                '%020d.%010d',
                5000000000000000000 + COALESCE(
                    SUM(
                        CAST(
                            substr(media_length, 1, 20) AS INTEGER
                        ) - 5000000000000000000
                    ),
                    0
                ) + (COALESCE(SUM(CAST(substr(media_length, 22) AS INTEGER)), 0) >> 32),
                COALESCE(SUM(CAST(substr(media_length, 22) AS INTEGER)), 0) & 4294967295
            ) AS media_length
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


-- /v1/files?user=...&order_by=created_ts
-- ======================================

-- 23.
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
    CAST(m.created_ts AS INTEGER)
FROM local_media_repository AS m
WHERE
    m.media_length IS NOT NULL
    AND m.created_ts IS NOT NULL
    AND m.media_id IS NOT NULL
    AND m.user_id = :user_id
ORDER BY CAST(m.created_ts AS INTEGER) ASC, m.media_id
LIMIT :limit + 1
OFFSET 0;


-- /v1/files?sha256=...
-- ====================

-- 24.
SELECT 1
FROM pragma_index_list('local_media_repository') AS l, pragma_index_info(l.name) AS i
JOIN sqlite_master AS s ON s.type = 'index' AND s.name = l.name
WHERE
    i.seqno = 0
    AND i.name = 'sha256'
    AND (l.partial = 0 OR s.sql LIKE '%WHERE ' || 'sha256 IS NOT NULL');

-- 25.
SELECT 1
FROM pragma_index_list('remote_media_cache') AS l, pragma_index_info(l.name) AS i
JOIN sqlite_master AS s ON s.type = 'index' AND s.name = l.name
WHERE
    i.seqno = 0
    AND i.name = 'sha256'
    AND (l.partial = 0 OR s.sql LIKE '%WHERE ' || 'sha256 IS NOT NULL');


-- /v1/files?order_by=media_length&from=...
-- ========================================

-- 26.
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
    SELECT m.media_id, CAST(m.media_length AS INTEGER) AS sort_key
    FROM local_media_repository AS m NOT INDEXED
    WHERE
        m.media_length IS NOT NULL
        AND m.created_ts IS NOT NULL
        AND m.media_id IS NOT NULL
        AND CAST(m.media_length AS INTEGER) <= :last_length
        AND (
            CAST(m.media_length AS INTEGER) < :last_length
                OR (m.media_id) > (:last_media_id)
        )
    ORDER BY CAST(m.media_length AS INTEGER) DESC, m.media_id
    LIMIT :limit + 1
    OFFSET 0
) AS page
CROSS JOIN local_media_repository AS m
WHERE m.media_id = page.media_id
ORDER BY page.sort_key DESC, page.media_id;


-- /v1/files?min_length=...&media_type=image/*&unread_since_ts=...
-- ===============================================================

-- 27.
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
        CAST(COALESCE(m.last_access_ts, m.created_ts) AS INTEGER) AS sort_key
    FROM remote_media_cache AS m NOT INDEXED
    WHERE
        m.media_origin IS NOT NULL
        AND m.media_length IS NOT NULL
        AND m.created_ts IS NOT NULL
        AND m.media_origin IS NOT NULL
        AND m.media_id IS NOT NULL
        AND substr(
            COALESCE(
                NULLIF(
                    LOWER(
                        TRIM(
                            substr(m.media_type, 1, instr(m.media_type || ';', ';') - 1)
                        )
                    ),
                    ''
                ),
                'application/octet-stream'
            ),
            1,
            6
        ) = 'image/'
        AND m.media_length >= :min_length
        AND COALESCE(m.last_access_ts, m.created_ts) < :before_ts_30
    ORDER BY
        CAST(COALESCE(m.last_access_ts, m.created_ts) AS INTEGER) ASC,
        m.media_origin,
        m.media_id
    LIMIT :limit + 1
    OFFSET 0
) AS page
CROSS JOIN remote_media_cache AS m
WHERE m.media_origin = page.media_origin AND m.media_id = page.media_id
ORDER BY page.sort_key ASC, page.media_origin, page.media_id;


-- /v1/files?url_preview=true&order_by=media_length
-- ================================================

-- 28.
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
    SELECT m.media_id, CAST(m.media_length AS INTEGER) AS sort_key
    FROM local_media_repository AS m NOT INDEXED
    WHERE
        m.media_length IS NOT NULL
        AND m.created_ts IS NOT NULL
        AND m.media_id IS NOT NULL
        AND (m.url_cache IS NOT NULL)
    ORDER BY CAST(m.media_length AS INTEGER) DESC, m.media_id
    LIMIT :limit + 1
    OFFSET 0
) AS page
CROSS JOIN local_media_repository AS m
WHERE m.media_id = page.media_id
ORDER BY page.sort_key DESC, page.media_id;


-- /v1/files?reclaimable_before_ts=...&size_gt=...
-- ===============================================

-- 29.
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
    SELECT m.media_id, CAST(COALESCE(m.media_length, 0) AS INTEGER) AS sort_key
    FROM local_media_repository AS m NOT INDEXED
    WHERE
        (
            m.last_access_ts < :before_ts_30
                OR (m.created_ts < :before_ts_30 AND m.last_access_ts IS NULL)
        )
        AND m.media_length > :size_gt
        AND m.media_id IS NOT NULL
        AND NOT (m.quarantined_by IS NOT NULL)
        AND NOT (m.safe_from_quarantine)
        AND NOT m.media_id IN (
            SELECT substr(avatar_url, 19) AS media_id
            FROM profiles
            WHERE substr(avatar_url, 1, 18) = :avatars
            UNION ALL
            SELECT substr(avatar_url, 19) AS media_id
            FROM room_memberships
            WHERE substr(avatar_url, 1, 18) = :avatars
            UNION ALL
            SELECT substr(avatar_url, 19) AS media_id
            FROM user_directory
            WHERE substr(avatar_url, 1, 18) = :avatars
            UNION ALL
            SELECT substr(avatar, 19) AS media_id
            FROM room_stats_state
            WHERE substr(avatar, 1, 18) = :avatars
        )
        AND m.media_id IS NOT NULL
    ORDER BY CAST(COALESCE(m.media_length, 0) AS INTEGER) DESC, m.media_id
    LIMIT :limit + 1
    OFFSET 0
) AS page
CROSS JOIN local_media_repository AS m
WHERE m.media_id = page.media_id
ORDER BY page.sort_key DESC, page.media_id;


-- /v1/reclaimable?thumbnails=true
-- ===============================

-- 30.
SELECT
    COUNT(*),
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(SUM(length >> 32), 0) + (
            COALESCE(SUM(length & 4294967295), 0) >> 32
        ),
        COALESCE(SUM(length & 4294967295), 0) & 4294967295
    ),
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
    FROM local_media_repository AS m NOT INDEXED
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

-- 31.
SELECT
    COUNT(*),
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(SUM(length >> 32), 0) + (
            COALESCE(SUM(length & 4294967295), 0) >> 32
        ),
        COALESCE(SUM(length & 4294967295), 0) & 4294967295
    ),
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
        m.media_id IN (
            SELECT substr(avatar_url, 19) AS media_id
            FROM profiles
            WHERE substr(avatar_url, 1, 18) = :avatars
            UNION ALL
            SELECT substr(avatar_url, 19) AS media_id
            FROM room_memberships
            WHERE substr(avatar_url, 1, 18) = :avatars
            UNION ALL
            SELECT substr(avatar_url, 19) AS media_id
            FROM user_directory
            WHERE substr(avatar_url, 1, 18) = :avatars
            UNION ALL
            SELECT substr(avatar, 19) AS media_id
            FROM room_stats_state
            WHERE substr(avatar, 1, 18) = :avatars
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

-- 32.
SELECT
    COUNT(*),
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(SUM(length >> 32), 0) + (
            COALESCE(SUM(length & 4294967295), 0) >> 32
        ),
        COALESCE(SUM(length & 4294967295), 0) & 4294967295
    ),
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
        AND NOT m.media_id IN (
            SELECT substr(avatar_url, 19) AS media_id
            FROM profiles
            WHERE substr(avatar_url, 1, 18) = :avatars
            UNION ALL
            SELECT substr(avatar_url, 19) AS media_id
            FROM room_memberships
            WHERE substr(avatar_url, 1, 18) = :avatars
            UNION ALL
            SELECT substr(avatar_url, 19) AS media_id
            FROM user_directory
            WHERE substr(avatar_url, 1, 18) = :avatars
            UNION ALL
            SELECT substr(avatar, 19) AS media_id
            FROM room_stats_state
            WHERE substr(avatar, 1, 18) = :avatars
        )
) AS files
GROUP BY before_0, before_1, before_2, is_not_url_preview;

-- 33.
SELECT
    COUNT(*),
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(SUM(length >> 32), 0) + (
            COALESCE(SUM(length & 4294967295), 0) >> 32
        ),
        COALESCE(SUM(length & 4294967295), 0) & 4294967295
    ),
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
    FROM remote_media_cache AS m NOT INDEXED
    WHERE
        m.last_access_ts < :before_ts_30
        AND m.media_origin IS NOT NULL
        AND m.media_id IS NOT NULL
) AS files
GROUP BY before_0, before_1, before_2, is_not_quarantined;

-- 34.
SELECT
    COUNT(*),
    printf(
        '%020d.%010d',
        5000000000000000000 + COALESCE(SUM(length >> 32), 0) + (
            COALESCE(SUM(length & 4294967295), 0) >> 32
        ),
        COALESCE(SUM(length & 4294967295), 0) & 4294967295
    ),
    before_0,
    before_1,
    before_2
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


-- python -m media_stats_module disk: URL previews
-- ===============================================

-- 35.
SELECT
    m.media_id,
    NULL,
    m.media_length,
    m.created_ts,
    CASE WHEN m.url_cache IS NULL THEN 0 ELSE 1 END
FROM local_media_repository AS m
WHERE
    m.url_cache IS NOT NULL
    AND NOT (m.media_id GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*')
    AND m.media_id IS NOT NULL
ORDER BY m.media_id
LIMIT 1000;

-- 36.
SELECT m.media_id
FROM local_media_repository AS m
WHERE
    m.media_id >= ''
    AND m.media_id < ':'
    AND m.url_cache IS NOT NULL
    AND m.media_id GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'
ORDER BY m.media_id
LIMIT 1;


-- python -m media_stats_module disk: remote files
-- ===============================================

-- 37.
SELECT COALESCE(m.filesystem_id, ''), m.media_id, m.media_length, m.created_ts, 0
FROM remote_media_cache AS m
WHERE m.media_origin = :server_name AND COALESCE(m.filesystem_id, '') IS NOT NULL
ORDER BY COALESCE(m.filesystem_id, '')
LIMIT 50000;


-- python -m media_stats_module disk: differences, looked at again
-- ===============================================================

-- 38.
SELECT
    m.media_id,
    NULL,
    m.media_length,
    m.created_ts,
    CASE WHEN m.url_cache IS NULL THEN 0 ELSE 1 END
FROM local_media_repository AS m
WHERE 1 = 1 AND (m.media_id IN (:name));

-- 39.
SELECT COALESCE(m.filesystem_id, ''), m.media_id, m.media_length, m.created_ts, 0
FROM remote_media_cache AS m
WHERE m.media_origin = :server_name AND (m.media_id IN (:name));

-- 40.
SELECT COALESCE(m.filesystem_id, ''), m.media_id, m.media_length, m.created_ts, 0
FROM remote_media_cache AS m
WHERE m.media_origin = :server_name AND (COALESCE(m.filesystem_id, '') IN (:name));

-- 41.
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
    AND (COALESCE(t.filesystem_id, '') IN (:name) OR t.media_id IN (:name));
