SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ifeq ($(INTEGRATION_HUB_CACHE)$(XDG_CACHE_HOME)$(HOME),)
  $(error HOME is not set. Set it, or INTEGRATION_HUB_CACHE and Go's GOPATH and GOCACHE, to folders that you can write)
endif
CACHE := $(or $(INTEGRATION_HUB_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/integration-hub)
ifneq ($(words $(CACHE)),1)
  $(error The cache would be in $(CACHE), and make cannot use a folder with a space. Set INTEGRATION_HUB_CACHE to another one)
endif
TOOLS := $(CACHE)/tools
LOCAL := config/local
ENVTEST := KUBEBUILDER_ASSETS=$(CACHE)/local/bin
GOLANGCI_LINT := v2.15.0
CRD_REF_DOCS := v0.3.0
HELM_DOCS := v1.14.2
VERSITYGW := v1.8.0
GOVULNCHECK := v1.9.0
CYCLONEDX_GOMOD := v1.10.0
FAKE_GCS_SERVER := v1.56.1
AZURITE := 3.35.0
MAILPIT := v1.27.11
OAPI_CODEGEN := v2.8.2
ACTIONLINT := v1.7.12
AXE := 4.14.1
BENCHSTAT := v0.0.0-20260908200009-22c9c6c9d4da
# The generator has the version of the library.
TEMPL := $(shell sed -n 's|.*github.com/a-h/templ ||p' go.mod)
# Where the tools come from, as programs of Go modules. They stay out of go.mod: their
# dependencies are not needed here.
golangci-lint := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
crd-ref-docs := github.com/elastic/crd-ref-docs
helm-docs := github.com/norwoodj/helm-docs/cmd/helm-docs
versitygw := github.com/versity/versitygw/cmd/versitygw
govulncheck := golang.org/x/vuln/cmd/govulncheck
cyclonedx-gomod := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
fake-gcs-server := github.com/fsouza/fake-gcs-server
mailpit := github.com/axllent/mailpit
oapi-codegen := github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen
benchstat := golang.org/x/perf/cmd/benchstat
templ := github.com/a-h/templ/cmd/templ
actionlint := github.com/rhysd/actionlint/cmd/actionlint
# Where generated files are.
GENERATED := README.md api config charts hub/page hub/cmd/hub/internal/console hub/cmd/hub/internal/inbox hub/looker icons/README.md integrations/README.md integrations/integrations.go integrations/apis.go integrations/internal/readmes integrations/testdata/definitions
# What "make test" could not run on this machine, a line each.
SKIPPED := $(CACHE)/skipped
export SKIPPED
# The browser that the hub's pages are tested in; CHROMIUM=google-chrome selects another one.
CHROMIUM ?= chromium

# A tool's file is its name and its version, as golangci-lint-v2.15.0.
tool = $(word 1,$(subst -v, ,$*))
$(TOOLS)/%:
	mkdir -p $(TOOLS)
	GOBIN=$(TOOLS)/new go install $($(tool))@v$(word 2,$(subst -v, ,$*))
	mv $(TOOLS)/new/$(tool) $@

# Azurite is a program of Node's.
$(TOOLS)/azurite-%:
	npm install --silent --no-audit --no-fund --prefix $(TOOLS)/new-azurite azurite@$*
	mv $(TOOLS)/new-azurite $@

# axe-core is a library of Node's.
$(TOOLS)/axe-%:
	npm install --silent --no-audit --no-fund --prefix $(TOOLS)/new-axe axe-core@$*
	mv $(TOOLS)/new-axe $@

##@ Quick start

.PHONY: demo
demo: ## Create a cluster, deploy the operator and a hub, and deliver over TLS
	@$(LOCAL)/demo/run

.PHONY: demo-check
demo-check: ## Check the demo's requirements: what is missing, and which mode it uses
	@$(LOCAL)/check

# What this machine cannot run is skipped and named at the end; in CI that is a failure.
.PHONY: test
test: ## Run all tests that this machine can run
	@mkdir -p $(CACHE)
	@rm -f $(SKIPPED)
	$(MAKE) test-unit test-oldest test-process test-argocd test-release test-servers test-fuzz test-cluster test-install
	@[ ! -s $(SKIPPED) ] || { echo; echo "Everything passed. Not run on this machine:"; sed 's/^/  /' $(SKIPPED); }

##@ Tests

.PHONY: test-unit
test-unit: ## Run the unit tests, including the operator's with a real kube-apiserver and etcd
	$(LOCAL)/build tools kube-apiserver etcd controller-gen helm kubectl
	@chromium=$$($(LOCAL)/install $(CHROMIUM) "the pages in a browser" chromium); \
	[[ $$chromium != missing:* ]] || chromium=; \
	axe=$$($(LOCAL)/install npm "the accessibility of the pages" nodejs npm); \
	[[ $$axe == missing:* ]] || { $(MAKE) $(TOOLS)/axe-$(AXE); axe=$(TOOLS)/axe-$(AXE)/node_modules/axe-core/axe.min.js; }; \
	[[ $$axe != missing:* ]] || axe=; set -x; \
	$(ENVTEST) CHROMIUM=$$chromium AXE=$$axe go test ./...

# The oldest version that this API server can emulate. Tests that depend on the server run again.
OLDEST_KUBERNETES := 1.34
.PHONY: test-oldest
test-oldest: ## Test the CRDs, the chart, the bases and the operator with the APIs of an older Kubernetes version
	$(LOCAL)/build tools kube-apiserver etcd controller-gen helm kubectl
	$(ENVTEST) EMULATED_KUBERNETES=$(OLDEST_KUBERNETES) go test -run . ./charts ./config ./controllers ./controllers/registration ./controllers/custom

# A module of its own, so that virtual-kubelet stays out of go.mod.
.PHONY: test-process
test-process: ## Test the demo mode "process", including whole clusters
	$(LOCAL)/build tools etcd kube-apiserver kube-controller-manager kube-scheduler
	. $(LOCAL)/lib.sh; $(ENVTEST) CGO_ENABLED=0 go -C $(LOCAL)/process test -trimpath -gcflags="$$COMPILER_FLAGS" ./...

# A module of its own, so that Argo CD's engine and all of Kubernetes stay out of go.mod. -count 1, here and below:
# the test cache ignores files of other modules, and would answer for samples and sources that changed.
.PHONY: test-argocd
test-argocd: ## Test the samples with Argo CD's diff and health check
	go -C config/argocd test -count 1 ./...

# A module of its own, so that the registry's client stays out of go.mod.
.PHONY: test-release
test-release: $(TOOLS)/cyclonedx-gomod-$(CYCLONEDX_GOMOD) ## Build a release twice, push it to a local registry, and pull it
	$(LOCAL)/build tools helm kubectl registry
	$(ENVTEST) CYCLONEDX=$< GOWORK=off go -C config/release test -count 1 ./...

.PHONY: test-install
test-install: ## Build and publish a release, and install it from the registry in a new local cluster
	config/release/cluster

# Azurite needs Node; without it, and without sshd, those tests are skipped.
.PHONY: test-servers
test-servers: $(TOOLS)/versitygw-$(VERSITYGW) $(TOOLS)/fake-gcs-server-$(FAKE_GCS_SERVER) $(TOOLS)/mailpit-$(MAILPIT) ## Test storage and mail integrations with real servers: S3, Azure, Google Cloud Storage, SFTP, SMTP
	@sshd=$$(PATH=$$PATH:/usr/sbin $(LOCAL)/install sshd "the SFTP server" openssh-server); \
	[ "$$(id -u)" != 0 ] || mkdir -p /run/sshd; \
	azurite=$$($(LOCAL)/install npm "Azure's storage server" nodejs npm); \
	[[ $$azurite == missing:* ]] || { $(MAKE) $(TOOLS)/azurite-$(AZURITE); azurite=$(TOOLS)/azurite-$(AZURITE)/node_modules/.bin/azurite-blob; }; set -x; \
	VERSITYGW=$(TOOLS)/versitygw-$(VERSITYGW) FAKE_GCS_SERVER=$(TOOLS)/fake-gcs-server-$(FAKE_GCS_SERVER) \
	AZURITE=$$azurite SSHD=$$sshd MAILPIT=$(TOOLS)/mailpit-$(MAILPIT) \
	  go test -tags servers -run '^TestServer$$' ./integrations/...

.PHONY: test-cluster
test-cluster: ## Run the end-to-end tests in a new local cluster
	$(LOCAL)/e2e/run

.PHONY: lint
lint: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT) $(TOOLS)/actionlint-$(ACTIONLINT) ## Run the linters, as CI does
	$(TOOLS)/actionlint-$(ACTIONLINT) .github/workflows/*.yaml
	$< run
	cd $(LOCAL)/process && $< run
	cd config/argocd && $< run
	cd config/release && $< run

.PHONY: test-fuzz
test-fuzz: ## Run each fuzz target for a few seconds
	$(MAKE) fuzz FUZZ=2s

.PHONY: attack
attack: ## Attack a running hub with full-size inputs (10 minutes); make test runs a short version
	ATTACK=full go test -count 1 -v -timeout 30m ./hub/attack

.PHONY: fuzz
fuzz: ## Fuzz all parsers of untrusted input, for FUZZ=1m each
	for target in hub/payload:FuzzDecode hub/payload:FuzzTable hub/payload:FuzzLabelledRows hub/payload:FuzzBase64 hub/bounded:FuzzJSON hub/bounded:FuzzCSV \
	  hub/sealed:FuzzOpen hub/token:FuzzValid hub/action:FuzzSuggestedFilename hub/action:FuzzCell hub:FuzzStranger hub/looker:FuzzRequest integrations/internal/message:FuzzRecipients integrations/internal/mail:FuzzSMTPReply \
	  hub/custom/expression:FuzzTemplate hub/custom/expression:FuzzURL; do \
	  go test -run '^$$' -fuzz "^$${target#*:}$$" -fuzztime $(or $(FUZZ),1m) -fuzzminimizetime 1s ./$${target%:*} || exit 1; \
	done

.PHONY: vulncheck
vulncheck: $(TOOLS)/govulncheck-$(GOVULNCHECK) ## Scan for known vulnerabilities; requires access to vuln.go.dev
	@curl -fsS -m 20 -o /dev/null https://vuln.go.dev/index/modules.json || \
	  { echo "vulncheck: the database at vuln.go.dev cannot be reached from here, so nothing was checked" >&2; exit 1; }
	$< ./...

.PHONY: sbom
sbom: build $(TOOLS)/cyclonedx-gomod-$(CYCLONEDX_GOMOD) ## Write the SBOMs of the images (CycloneDX) to bin/
	for program in hub manager; do \
	  $(TOOLS)/cyclonedx-gomod-$(CYCLONEDX_GOMOD) bin -json -output bin/$$program.cdx.json bin/$$program; \
	done

.PHONY: bench
bench: $(TOOLS)/versitygw-$(VERSITYGW) ## Run the benchmarks of the hub and of the manager with 1,000 hubs, and update hub/loadtest/README.md (15 minutes)
	$(LOCAL)/build tools kube-apiserver etcd
	go run ./hub/loadtest bench -versitygw $< -readme hub/loadtest/README.md
	go test -run '^$$' -bench Rows ./hub/custom
	$(ENVTEST) go test -run '^$$' -bench . -benchtime 1x -timeout 20m ./controllers/cmd/manager

.PHONY: bench-compare
bench-compare: $(TOOLS)/benchstat-$(BENCHSTAT) ## Compare Go benchmarks with another commit: BASE=main BENCH=Rows PACKAGES=hub/payload RUNS=6
	@[ -n "$(BASE)" ] || { echo "bench-compare: set BASE to a commit, as in make bench-compare BASE=main" >&2; exit 2; }
	hub/loadtest/compare $< $(BASE) $(or $(RUNS),6) '$(or $(BENCH),.)' $(or $(PACKAGES),hub/payload hub/custom hub/outbound)

.PHONY: soak
soak: $(TOOLS)/versitygw-$(VERSITYGW) ## Run the soak test for SOAK=10m: deliver under faults, and check every delivery
	go run ./hub/loadtest soak -versitygw $< -duration $(or $(SOAK),10m)

##@ Release

# REGISTRY is the registry and folder of the images, such as registry.example.com/integration-hub: the one place
# where the images' names come from. DOWNLOADS is the URL of the folder with the archives. IMAGES and ARCHIVES are
# lists of platforms, as linux/amd64,linux/arm64.
RELEASE = $(CURDIR)/bin/release/$(VERSION)
RELEASE_FLAGS = -version '$(VERSION)' -registry '$(REGISTRY)' -downloads '$(DOWNLOADS)' -source-url '$(SOURCE_URL)' -builder '$(BUILDER)' \
  $(if $(IMAGES),-images '$(IMAGES)') $(if $(ARCHIVES),-archives '$(ARCHIVES)') \
  -helm $(CACHE)/local/bin/helm -kubectl $(CACHE)/local/bin/kubectl -cyclonedx-gomod $(TOOLS)/cyclonedx-gomod-$(CYCLONEDX_GOMOD)
release-program = GOWORK=off GOFLAGS=-buildvcs=false go -C config/release build -o $(TOOLS)/release .
need-version = @[ -n "$(VERSION)" ] || { echo "$@: set VERSION, as in make $@ VERSION=v0.2.0 REGISTRY=registry.example.com/integration-hub" >&2; exit 2; }

.PHONY: release
release: ## Build release VERSION=v0.2.0 in bin/release/: images, manifests, chart, archives, SBOMs, provenance
	$(need-version)
	$(release-program)
	@$(TOOLS)/release check $(RELEASE_FLAGS) -source '$(CURDIR)' -o '$(RELEASE)'
	$(MAKE) $(TOOLS)/cyclonedx-gomod-$(CYCLONEDX_GOMOD)
	PROGRAMS=compile $(LOCAL)/build tools helm kubectl
	$(TOOLS)/release build $(RELEASE_FLAGS) -source '$(CURDIR)' -o '$(RELEASE)'

# From a second checkout in another folder. EMPTY_CACHE=1 compiles everything again; the default only links again.
.PHONY: release-verify
release-verify: ## Rebuild release VERSION from a clone with the same variables, and compare every byte
	$(need-version)
	@[ -d '$(RELEASE)' ] || { echo "$@: there is no release in $(RELEASE): run make release first, with the same variables" >&2; exit 2; }
	$(release-program)
	dir=$$(mktemp -d); trap 'chmod -R u+w "$$dir"; rm -rf "$$dir"' EXIT; \
	git clone --quiet --local . "$$dir/source"; \
	[ -z "$(EMPTY_CACHE)" ] || export GOCACHE=$$dir/cache; \
	$(TOOLS)/release build $(RELEASE_FLAGS) -source "$$dir/source" -o "$$dir/release"; \
	$(TOOLS)/release compare '$(RELEASE)' "$$dir/release"

.PHONY: publish
publish: ## Push the images and the chart of release VERSION to REGISTRY, by digest
	$(need-version)
	$(release-program)
	$(TOOLS)/release publish -registry '$(REGISTRY)' '$(RELEASE)'

##@ Development

.PHONY: build
build: ## Build the hub and the manager in bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/hub ./hub/cmd/hub
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/manager ./controllers/cmd/manager

.PHONY: dev
dev: ## Run a development hub (hub serve --dev)
	go run ./hub/cmd/hub serve --dev

# KIND=rows sends rows in batches; LABEL='Acme CRM' is the name in Looker. See integrations/README.md.
.PHONY: new-integration
new-integration: ## Create an integration: NAME=acme_crm, and KIND=file or KIND=rows
	@go run ./integrations/internal/scaffold new -name "$${NAME:-}" -kind "$${KIND:-file}" -label "$${LABEL:-}"
	$(MAKE) generate

.PHONY: generate
generate: $(TOOLS)/crd-ref-docs-$(CRD_REF_DOCS) $(TOOLS)/helm-docs-$(HELM_DOCS) $(TOOLS)/oapi-codegen-$(OAPI_CODEGEN) $(TOOLS)/templ-$(TEMPL) ## Regenerate all files that are generated from the API types, the integrations, the pages and Looker's API
	$(TOOLS)/templ-$(TEMPL) generate -path hub -log-level warn
	go run ./integrations/internal/scaffold generate
	$(LOCAL)/build tools controller-gen helm
	$(LOCAL)/addons render > $(LOCAL)/cert-manager/install.yaml
	$(CACHE)/local/bin/controller-gen object paths=./api/...
	$(CACHE)/local/bin/controller-gen crd paths=./api/... output:crd:dir=config/crd/bases
	go run ./api/reflow config/crd/bases/*.yaml
	$(CACHE)/local/bin/controller-gen rbac:roleName=integration-hub-manager paths=./controllers/... output:rbac:dir=config/rbac
	$< --log-level ERROR --config api/reference.yaml --source-path api --renderer markdown --output-path api/README.md
	sed -E -i.bak -f api/reference.sed api/README.md && rm api/README.md.bak
	cp config/crd/bases/hub.integrationhub.dev_integrationhubs.yaml charts/integration-hub/files/crd.yaml
	cp config/crd/bases/hub.integrationhub.dev_lookerregistrations.yaml charts/integration-hub/files/crd_lookerregistrations.yaml
	cp config/crd/bases/hub.integrationhub.dev_httpintegrations.yaml charts/integration-hub/files/crd_httpintegrations.yaml
	cp config/rbac/role.yaml charts/integration-hub/files/role.yaml
	cp controllers/resources/alerts.yaml charts/integration-hub/files/alerts.yaml
	cp charts/integration-hub/files/dashboard.json config/prometheus/dashboard.json
	{ printf 'apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: integration-hub, namespace: integration-hub-system}\nspec:\n'; \
	  sed 's/^/  /' charts/integration-hub/files/alerts.yaml; } > config/prometheus/alerts.yaml
	$(TOOLS)/helm-docs-$(HELM_DOCS) --log-level warning --chart-search-root charts
	$(TOOLS)/oapi-codegen-$(OAPI_CODEGEN) -config hub/looker/api/oapi-codegen.yaml hub/looker/openapi/openapi.yaml
	go generate ./api/httpintegration
	go test -run '^TestOwnDefinitions$$' ./integrations -update

# The pages show times, so that two runs differ: not a part of generate.
.PHONY: screenshot
screenshot: build ## Update the screenshots in the READMEs from a running hub
	@chromium=$$($(LOCAL)/install $(CHROMIUM) "pictures of the pages" chromium); \
	[[ $$chromium != missing:* ]] || { echo "screenshot: $$chromium" >&2; exit 1; }; \
	hub/page/screenshot "$$chromium" bin/hub

# A definition that is new is not tracked yet, so that git diff alone would not show it.
.PHONY: verify
verify: generate ## Check that all generated files are up to date
	go mod tidy -diff
	git diff --exit-code -- $(GENERATED)
	@new=$$(git ls-files --others --exclude-standard -- $(GENERATED)); [ -z "$$new" ] || { echo "not committed: $$new" >&2; exit 1; }

##@ Your cluster (kubectl's current context)

.PHONY: install
install: ## Install the CRDs
	kubectl apply --server-side -k config/crd

.PHONY: uninstall
uninstall: ## Uninstall the CRDs, which deletes all IntegrationHubs, LookerRegistrations and HTTPIntegrations
	kubectl delete --ignore-not-found -k config/crd

.PHONY: deploy
deploy: ## Install the CRDs and the operator
	kubectl apply --server-side -k config/default

.PHONY: undeploy
undeploy: ## Uninstall the operator and the CRDs, which deletes all IntegrationHubs, LookerRegistrations and HTTPIntegrations
	kubectl delete --ignore-not-found -k config/default

##@ Local cluster (CLUSTER_NAME selects one of several)

.PHONY: cluster-up
cluster-up: ## Start a local cluster with cert-manager (CLUSTER=auto selects the mode, see demo-check)
	@plan=$$($(LOCAL)/check plan); read -r mode DOWNLOAD_FROM <<<"$$plan"; export DOWNLOAD_FROM; \
	[ $$mode != node ] || $(LOCAL)/node/cluster prepare; $(LOCAL)/build for $$mode
	$(LOCAL)/cluster up
	[ "$$($(LOCAL)/cluster mode)" = existing ] || $(LOCAL)/cluster load $(CACHE)/local/img/cert-manager-{controller,webhook,cainjector}.tar
	$(LOCAL)/cluster exec $(LOCAL)/addons

.PHONY: cluster-images
cluster-images: ## Build the project's images, and load them into the local cluster if it is running
	$(LOCAL)/build tools image
	$(LOCAL)/build images
	if $(LOCAL)/cluster status >/dev/null 2>&1; then $(LOCAL)/cluster load $(CACHE)/local/img/{hub,manager,receiver}.tar; fi

.PHONY: cluster-status
cluster-status: ## Show whether the local cluster is running, and its pods
	@$(LOCAL)/cluster status

.PHONY: kubectl
kubectl: ## Run kubectl in the local cluster: make kubectl ARGS='get pods -A'
	@$(LOCAL)/cluster exec kubectl $(ARGS)

.PHONY: demo-down cluster-down
demo-down cluster-down: ## Delete the local cluster; in an existing cluster, delete the demo's objects
	$(LOCAL)/cluster down

##@ Help

.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9 -]+:.*## / {printf "  %-24s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
