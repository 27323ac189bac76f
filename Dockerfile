# One image for each program: docker build --target hub . and --target manager .
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/ ./hub/cmd/hub ./controllers/cmd/manager

FROM scratch AS hub
COPY --from=build /out/hub /hub
USER 65532:65532
ENTRYPOINT ["/hub"]

FROM scratch AS manager
COPY --from=build /out/manager /manager
USER 65532:65532
ENTRYPOINT ["/manager"]
