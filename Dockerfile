# The service in two stages: the SDK publishes it, the runtime image carries only what was published.
# Kept to what the classic builder understands too (no cache mounts, no here-documents).
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source

# Only what decides the packages, so that the layer with them is kept until one of these files changes.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/ClosureTable.Api/ClosureTable.Api.csproj src/ClosureTable.Api/packages.lock.json src/ClosureTable.Api/
COPY src/ClosureTable.LocalPostgres/ClosureTable.LocalPostgres.csproj src/ClosureTable.LocalPostgres/packages.lock.json src/ClosureTable.LocalPostgres/
RUN dotnet restore src/ClosureTable.Api --locked-mode

COPY .editorconfig ./
COPY db db
COPY src src
# No native launcher: the entry point names `dotnet`, as the runtime image has it.
RUN dotnet publish src/ClosureTable.Api --no-restore --configuration Release --output /app -p:UseAppHost=false

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app ./

# The runtime image says so already; without it the service would listen on localhost, which nobody outside a container reaches.
ENV ASPNETCORE_HTTP_PORTS=8080

# The runtime image makes this unprivileged user and names its id.
USER $APP_UID
EXPOSE 8080

# The image has no curl; the service asks its own /health/ready.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["dotnet", "ClosureTable.Api.dll", "healthcheck"]
ENTRYPOINT ["dotnet", "ClosureTable.Api.dll"]
