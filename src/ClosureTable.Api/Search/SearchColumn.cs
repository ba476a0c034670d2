using ClosureTable.Api.Data;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;

namespace ClosureTable.Api.Search;

/// <summary>
/// Keeps <c>comments_comments.search</c> in the configured text-search configuration. The migration script creates the column with the
/// default; its current configuration is in its generation expression.
/// </summary>
internal sealed class SearchColumn(IOptions<SearchOptions> options, ILogger<SearchColumn> logger) : ISchemaStep
{
    /// <summary>Rewrites and locks the table if the configuration changed, for minutes with millions of comments.</summary>
    public void Apply(NpgsqlConnection connection)
    {
        var configuration = options.Value.Configuration;
        var known = connection.Query<string>("""
            select cfgname::text
            from pg_ts_config
            where pg_ts_config_is_visible(oid)
            order by cfgname
            """).ToList();
        if (!known.Contains(configuration))
        {
            throw new OptionsValidationException(nameof(SearchOptions), typeof(SearchOptions),
                [$"Search__Configuration is '{configuration}', and must be one that this PostgreSQL has: {string.Join(", ", known)}."]);
        }

        var (current, wanted) = connection.QuerySingle<(string Current, string Wanted)>("""
            select pg_get_expr(made.adbin, made.adrelid), format('to_tsvector(%L::regconfig, content)', @configuration::regconfig::text)
            from pg_attrdef made
            join pg_attribute a on a.attrelid = made.adrelid and a.attnum = made.adnum
            where a.attrelid = 'comments_comments'::regclass and a.attname = 'search'
            """, new { configuration });
        if (current == wanted)
            return;
        logger.LogWarning("Making the search column anew for the configuration {Configuration}: comments cannot be read or written meanwhile", configuration);
        connection.Execute($"""
            alter table comments_comments drop column search;

            alter table comments_comments
              add column search tsvector generated always as ({wanted}) stored;

            create index comments_comments_search on comments_comments using gin (search);
            create index comments_comments_search_by_age on comments_comments using gin ((search || comments_search_ages(id)));
            """, commandTimeout: 0);
    }
}
