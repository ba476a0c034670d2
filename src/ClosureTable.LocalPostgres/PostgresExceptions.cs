namespace ClosureTable.LocalPostgres;

/// <summary>Neither PostgreSQL's binaries nor a Docker engine were found. The message says how to install one.</summary>
public sealed class PostgresNotFoundException(string missing) : Exception($"""
    {missing} Any one of these fixes it:
      Debian, Ubuntu:  sudo apt-get install postgresql
      macOS:           brew install postgresql@{PostgresBinaries.OldestVersion}
      Windows:         winget install PostgreSQL.PostgreSQL.{PostgresBinaries.OldestVersion}
      Docker:          start the engine (docker info must succeed); the image {new LocalPostgresOptions().DockerImage} is pulled when it is needed
      elsewhere:       set LocalPostgres__BinDirectory to the directory of initdb, pg_ctl and postgres (version {PostgresBinaries.OldestVersion} or later)
      your own server: set ConnectionStrings__Comments, e.g. Host=localhost;Username=closureuser;Password=closurepass;Database=closuredb
    """);

/// <summary>The private PostgreSQL does not start. The message contains the end of the server's log, if there is one.</summary>
public sealed class PostgresStartException(string message) : Exception(message);

/// <summary>The private PostgreSQL does not stop.</summary>
internal sealed class PostgresStopException(string message) : Exception(message);
