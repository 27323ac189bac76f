# One image for each program: docker build --target hub . and --target manager . with
# --build-arg VERSION=v1.2.3 --build-arg COMMIT=$(git rev-parse HEAD): the history is not here.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION= COMMIT=
RUN CGO_ENABLED=0 go build -trimpath \
  -ldflags "-s -w -X integrationhub.dev/hub/version.release=$VERSION -X integrationhub.dev/hub/version.commit=$COMMIT" \
  -o /out/ ./hub/cmd/hub ./controllers/cmd/manager

FROM scratch AS hub
COPY --from=build /out/hub /hub
USER 65532:65532
ENTRYPOINT ["/hub"]

FROM scratch AS manager
COPY --from=build /out/manager /manager
USER 65532:65532
ENTRYPOINT ["/manager"]
