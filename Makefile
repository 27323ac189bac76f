SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CACHE := $(or $(INTEGRATION_HUB_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/integration-hub)
TOOLS := $(CACHE)/tools
LOCAL := config/local
ENVTEST := KUBEBUILDER_ASSETS=$(CACHE)/local/bin
GOLANGCI_LINT := v2.15.0
CRD_REF_DOCS := v0.3.0
VERSITYGW := v1.8.0
# The browser that the hub's status page is tested in; CHROMIUM=google-chrome takes another.
CHROMIUM ?= chromium

##@ The two commands

.PHONY: demo
demo: ## A cluster, the operator, a hub and a delivery over TLS, from nothing
	$(LOCAL)/demo/run

.PHONY: test
test: test-unit test-cluster ## Every test; sets up what it needs by itself

##@ Tests

.PHONY: test-unit
test-unit: ## Unit tests, and the operator's against a real kube-apiserver and etcd
	$(LOCAL)/build tools kube-apiserver etcd controller-gen helm
	command -v $(CHROMIUM) >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; }
	$(ENVTEST) CHROMIUM=$(CHROMIUM) go test ./...

.PHONY: test-cluster
test-cluster: ## The end-to-end test on a local cluster of its own
	$(LOCAL)/e2e/run

.PHONY: lint
lint: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT) ## Lint, as CI does
	$< run

$(TOOLS)/golangci-lint-$(GOLANGCI_LINT):
	mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
	mv $(TOOLS)/golangci-lint $@

.PHONY: fuzz
fuzz: ## Fuzz everything that reads what others write, for FUZZ=1m each
	for target in payload:FuzzDecode payload:FuzzTable sealed:FuzzOpen token:FuzzValid action:FuzzSuggestedFilename; do \
	  go test -run '^$$' -fuzz "^$${target#*:}$$" -fuzztime $(or $(FUZZ),1m) ./hub/$${target%:*}; \
	done

.PHONY: bench
bench: $(TOOLS)/versitygw-$(VERSITYGW) ## Measure the hub beside its targets, and the manager with a thousand hubs (15 minutes)
	$(LOCAL)/build tools kube-apiserver etcd
	go run ./config/local/load bench -versitygw $<
	$(ENVTEST) go test -run '^$$' -bench . -benchtime 1x -timeout 20m ./controllers/cmd/manager

.PHONY: soak
soak: ## Deliver under faults for SOAK=10m, and check every single delivery
	go run ./config/local/load soak -duration $(or $(SOAK),10m)

# An S3-compatible server, for measuring.
$(TOOLS)/versitygw-$(VERSITYGW):
	mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW)
	mv $(TOOLS)/versitygw $@

##@ Development

.PHONY: build
build: ## Both programs, into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/hub ./hub/cmd/hub
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/manager ./controllers/cmd/manager

.PHONY: dev
dev: ## A hub for the developer of an integration
	go run ./hub/cmd/hub serve --dev

.PHONY: generate
generate: $(TOOLS)/crd-ref-docs-$(CRD_REF_DOCS) ## Everything that is generated from the API types
	$(LOCAL)/build tools controller-gen
	$(CACHE)/local/bin/controller-gen object paths=./api/...
	$(CACHE)/local/bin/controller-gen crd paths=./api/... output:crd:dir=config/crd/bases
	$(CACHE)/local/bin/controller-gen rbac:roleName=integration-hub-manager paths=./controllers/... output:rbac:dir=config/rbac
	$< --log-level ERROR --config api/reference.yaml --source-path api --renderer markdown --output-path api/README.md
	cp config/crd/bases/hub.integrationhub.dev_integrationhubs.yaml charts/integration-hub/files/crd.yaml
	cp config/rbac/role.yaml charts/integration-hub/files/role.yaml

$(TOOLS)/crd-ref-docs-$(CRD_REF_DOCS):
	mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/elastic/crd-ref-docs@$(CRD_REF_DOCS)
	mv $(TOOLS)/crd-ref-docs $@

.PHONY: verify
verify: generate ## Fail when something generated is not up to date
	go mod tidy -diff
	git diff --exit-code -- api config charts/integration-hub/files

##@ Your cluster (kubectl's current context)

.PHONY: install
install: ## The IntegrationHub's definition
	kubectl apply --server-side -k config/crd

.PHONY: uninstall
uninstall: ## Remove the definition, and with it every IntegrationHub
	kubectl delete --ignore-not-found -k config/crd

.PHONY: deploy
deploy: ## The operator and the definition
	kubectl apply --server-side -k config/default

.PHONY: undeploy
undeploy: ## Remove the operator, the definition and every IntegrationHub
	kubectl delete --ignore-not-found -k config/default

##@ The local cluster (CLUSTER_NAME tells several apart)

.PHONY: cluster-up
cluster-up: ## Start a local cluster with cert-manager
	$(LOCAL)/build packages
	$(LOCAL)/build tools
	$(LOCAL)/cluster up
	$(LOCAL)/cluster load $(CACHE)/local/img/cert-manager-{controller,webhook,cainjector}.tar
	$(LOCAL)/cluster exec $(LOCAL)/addons

.PHONY: cluster-images
cluster-images: ## Build the project's images, and put them into the local cluster if it is up
	$(LOCAL)/build tools image
	$(LOCAL)/build images
	if $(LOCAL)/cluster status >/dev/null 2>&1; then $(LOCAL)/cluster load $(CACHE)/local/img/{hub,manager,receiver}.tar; fi

.PHONY: cluster-status
cluster-status: ## Say whether the local cluster is up, and what runs in it
	@$(LOCAL)/cluster status

.PHONY: kubectl
kubectl: ## Run kubectl there: make kubectl ARGS='get pods -A'
	@$(LOCAL)/cluster exec kubectl $(ARGS)

.PHONY: demo-down cluster-down
demo-down cluster-down: ## Stop the local cluster and remove everything it left
	$(LOCAL)/cluster down

##@ Help

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9 -]+:.*## / {printf "  %-24s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
