# Two stages: the SDK publishes the service, and the runtime image contains only the published files.
# Works with the classic builder too, so no cache mounts and no here-documents.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source

# Only the files that determine the packages, so that their layer is cached until one of these changes.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/ClosureTable.Api/ClosureTable.Api.csproj src/ClosureTable.Api/packages.lock.json src/ClosureTable.Api/
COPY src/ClosureTable.LocalPostgres/ClosureTable.LocalPostgres.csproj src/ClosureTable.LocalPostgres/packages.lock.json src/ClosureTable.LocalPostgres/
RUN dotnet restore src/ClosureTable.Api --locked-mode

COPY .editorconfig ./
COPY db db
COPY src src
# No native launcher: the entry point uses `dotnet` from the runtime image.
RUN dotnet publish src/ClosureTable.Api --no-restore --configuration Release --output /app -p:UseAppHost=false

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app ./

# The default of the runtime image, set explicitly: the service's own default is localhost, which cannot be reached from outside.
ENV ASPNETCORE_HTTP_PORTS=8080

# An unprivileged user that the runtime image provides.
USER $APP_UID
EXPOSE 8080

# The image has no curl, so the service calls its own /health/ready.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["dotnet", "ClosureTable.Api.dll", "healthcheck"]
ENTRYPOINT ["dotnet", "ClosureTable.Api.dll"]
