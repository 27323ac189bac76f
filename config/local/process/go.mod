module integrationhub.dev/config/local/process

go 1.26.0

toolchain go1.26.8

require github.com/google/go-cmp v0.7.0
