module integrationhub.dev/config/local/tools/pause

go 1.26.0
