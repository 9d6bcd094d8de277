-- All objects of rollups of all versions, without triggers and indexes, as DROP names
-- them, in an order to drop them: a table takes its own sequences and triggers along.
--
-- An object is ours if it has our name and our mark. An object of another role cannot be
-- dropped; the error names it. The mark of version 1 was a comment, which some dumps
-- omit: then the columns and the functions' text identify that version.
WITH schemas AS (
    SELECT relnamespace AS schema
    FROM pg_class WHERE oid = CAST(to_regclass('local_media_repository') AS OID)
    UNION
    -- Synapse's tables were here, and were moved to another schema.
    SELECT pronamespace
    FROM pg_proc
    WHERE starts_with(CAST(proname AS TEXT), 'media_stats_')
        AND strpos(prosrc, '-- media_stats_module_') > 0
        AND NOT EXISTS (
            SELECT FROM pg_class
            WHERE relname = 'local_media_repository' AND relnamespace = pronamespace
        )
)
SELECT 'TABLE ' || CAST(CAST(c.oid AS REGCLASS) AS TEXT) AS object
FROM schemas JOIN pg_class AS c ON relnamespace = schema
WHERE relkind = 'r'
    -- An administrator's copy of one, with its constraints, has another name.
    AND relname IN (
        'media_stats_state', 'media_stats_owners', 'media_stats_days',
        'media_stats_kinds', 'media_stats_changes', 'media_stats_missed'
    )
    AND (
        EXISTS (
            SELECT FROM pg_constraint
            WHERE conrelid = c.oid AND starts_with(CAST(conname AS TEXT), 'media_stats_module_')
        )
        OR starts_with(
            obj_description(c.oid, CAST('pg_class' AS NAME)), 'media_stats_module rollups '
        )
        OR (
            relname,
            (
                SELECT string_agg(CAST(attname AS TEXT), ' ' ORDER BY attnum) FROM pg_attribute
                WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
            )
        ) IN (
            (
                'media_stats_state',
                'source fingerprint is_built owners build_started_ts build_finished_ts '
                'checked_ts differences'
            ),
            ('media_stats_owners', 'source owner media_count media_length'),
            ('media_stats_days', 'source day media_count media_length'),
            (
                'media_stats_kinds',
                'source media_group is_owned is_url_preview is_quarantined is_protected '
                'media_count media_length'
            ),
            (
                'media_stats_changes',
                'id source owner day media_group is_owned is_url_preview is_quarantined '
                'is_protected media_count media_length'
            ),
            ('media_stats_missed', 'id source')
        )
    )
UNION ALL
SELECT 'SEQUENCE ' || CAST(CAST(c.oid AS REGCLASS) AS TEXT)
FROM schemas JOIN pg_class AS c ON relnamespace = schema
    JOIN pg_sequence ON seqrelid = c.oid
WHERE starts_with(CAST(relname AS TEXT), 'media_stats_')
    AND (
        seqmax = 4611686018427387904
        OR relname = 'media_stats_log_is_full' AND seqmin = 0
    )
    -- A table takes its own sequences along. A dump can have one without its table.
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = CAST(CAST('pg_class' AS REGCLASS) AS OID) AND objid = c.oid
            AND refclassid = classid AND deptype IN ('a', 'i')
    )
UNION ALL
SELECT 'FUNCTION ' || CAST(CAST(p.oid AS REGPROCEDURE) AS TEXT)
    -- CASCADE: only triggers can depend on it, such as those of another role.
    || CASE WHEN prorettype = CAST(CAST('trigger' AS REGTYPE) AS OID) THEN ' CASCADE' ELSE '' END
FROM schemas JOIN pg_proc AS p ON pronamespace = schema
WHERE starts_with(CAST(proname AS TEXT), 'media_stats_')
    AND (
        strpos(prosrc, '-- media_stats_module_') > 0
        OR starts_with(
            obj_description(p.oid, CAST('pg_proc' AS NAME)), 'media_stats_module rollups '
        )
        OR proname IN (
            'media_stats_log_local', 'media_stats_log_local_delete',
            'media_stats_log_remote', 'media_stats_log_remote_delete',
            'media_stats_log_thumbnails', 'media_stats_log_thumbnails_delete',
            'media_stats_log_truncate', 'media_stats_log', 'media_stats_bound_log',
            'media_stats_distrust', 'media_stats_day', 'media_stats_group'
        ) AND prosrc ~ 'media_stats_(changes|missed)|NEW.is_built|86400000|split_part'
    )
