module integrationhub.dev/config/local/tools/image

go 1.26.0
