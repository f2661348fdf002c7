# `make run` and `make test` need Go and nothing else.

# The functions' processor is what template.yaml allows, so that what is built is what is deployed.
TEMPLATE_ARCHITECTURE := $(shell sed -n '/^  Architecture:/,/AllowedValues:/s/.*AllowedValues: \[\([a-z0-9_]*\)\].*/\1/p' template.yaml)
ARCHITECTURE ?= $(TEMPLATE_ARCHITECTURE)
GOARCH_arm64  := arm64
GOARCH_x86_64 := amd64

# In log lines, and in the User-Agent of what goes to Azure.
VERSION := $(shell git describe --tags --abbrev=0 2>/dev/null || echo unreleased)

# How every bootstrap is built, for Lambda and for this machine alike. No version control stamp: a commit alone must not
# change a bootstrap, or every deployment would replace every function. Tools are compiled with the same flags, so that
# what they share with the bootstraps is compiled once.
COMPILE_FLAGS := -tags lambda.norpc -trimpath
GO_BUILD := CGO_ENABLED=0 go build -buildvcs=false $(COMPILE_FLAGS) -ldflags "-s -w -X aoai-bridge/shared/release.Version=$(VERSION)"
GO_RUN := CGO_ENABLED=0 go run $(COMPILE_FLAGS)

.DEFAULT_GOAL := help
.PHONY: help run test test-clients test-console lint bench batch tokens catalog smoke key azure rotate build deploy undeploy release clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | while IFS='	' read -r target what; \
		do printf '  make %-13s %s\n' "$$target" "$$what"; done

run: ## Start the whole stack on this machine: http://127.0.0.1:8080/v1, key sk-local (PORT=, AWS_PORT=, ARM_PORT=, TLS=1, DATA=)
	@echo "Building the functions and the local stack: about a minute the first time, seconds after that."
	@mkdir -p dist/bin && $(GO_BUILD) -o dist/bin/ ./infra/run
	@MAKE="$(MAKE)" exec dist/bin/run

# Compiled as the bootstraps are, which tests build: what both need, Go's own packages above all, is compiled once.
test: ## Run the tests
	CGO_ENABLED=0 go test -trimpath ./...

test-clients: build ## Run OpenAI's SDKs and other clients against the local stack (needs python3 and node)
	infra/clients/run.sh

test-console: ## Run the console in chromium against the local stack (needs chromium and node); pictures go to dist/pictures
	infra/console/run.sh

lint: ## Check formatting, and run vet and staticcheck
	.ci/lint

bench: build ## Measure the functions beside bare ones on this machine (BENCH=-files: only what reads a file in S3; BENCH=-quotas: with little memory)
	$(GO_RUN) ./infra/bench $(BENCH)

# Built with the stack; without that it takes as long as building one function.
batch: ## Have a file of requests answered: make batch FILE=events/batch.jsonl (BUCKET=, CEILING=, MODE=, AGAIN=1, AWS_PORT=), or end its jobs: CANCEL=inbox/batch.jsonl
	@test -x dist/bin/batch || echo "Building what shows a job: about a minute the first time."
	@mkdir -p dist/bin && $(GO_BUILD) -o dist/bin/ ./infra/batch
	@dist/bin/batch -file "$$FILE" -cancel "$$CANCEL" -bucket "$$BUCKET" -ceiling "$$CEILING" -mode "$$MODE" -again "$$AGAIN"

tokens: ## Show a text's tokens and what they cost: make tokens TEXT="..." or FILE=path (MODEL=gpt-5.4-mini, ENCODING=)
	@test -n "$$FILE$$TEXT" || { echo 'which text? make tokens TEXT="..." or FILE=path' >&2; exit 1; }
	@$(if $(FILE),,printf '%s' "$$TEXT" |) $(GO_RUN) ./infra/tokens -model "$${MODEL:-gpt-5.4-mini}" -encoding "$$ENCODING" -cost $(if $(FILE),< "$$FILE")

tokens: export TEXT := $(value TEXT)

catalog: ## Read the pinned price lists again, and write the catalog and README's costs (needs python3 with pip)
	$(GO_RUN) ./infra/catalog -fetch
	go generate ./shared/catalog

smoke: ## Check a running stack: make smoke BASE_URL=https://.../prod/v1 KEY=..., or the local one (PORT=, MODEL=, EMBEDDING_MODEL=)
	@$(GO_RUN) ./infra/smoke

# What is given to make reaches tools by the environment, where quotes stay what they are.
key: ## Make a caller's key, print it once, and store its hash: make key NAME=alice (MODELS=a,b, ALLOW=state, COST_CEILING=500, REPLACE=1, REMOVE=1, STACK=, KMS_KEY_ARN=)
	@$(GO_RUN) ./infra/key -name "$$NAME" -models "$$MODELS" -allow "$$ALLOW" -cost-ceiling "$$COST_CEILING" $(if $(REPLACE),-replace) $(if $(REMOVE),-remove)

azure: ## Make the Azure side: make azure NAME=my-aoai LOCATION=eastus2 (DEPLOYMENTS=file.json, GROUP=, KIND=OpenAI, SUBSCRIPTION=, SIGNIN=device, FEDERATION=1, KEYS=off, TEMPLATE=main.json, REMOVE=1, RESTORE=1, PURGE=1, REGION= of AWS, YES=1, LOCAL=1)
	@$(IN_LOCAL_STACK) $(if $(REGION),AWS_REGION="$$REGION") $(GO_RUN) ./infra/azure -name "$$NAME" -location "$$LOCATION" -deployments "$$DEPLOYMENTS" -group "$$GROUP" -kind "$${KIND:-AIServices}" \
		$(if $(SUBSCRIPTION),-subscription "$$SUBSCRIPTION") -signin "$$SIGNIN" $(if $(YES),-yes) \
		-template "$$TEMPLATE" $(if $(REMOVE),-remove) $(if $(FEDERATION),-federation) $(if $(filter off,$(KEYS)),-keys-off) $(if $(RESTORE),-restore) $(if $(PURGE),-purge)

rotate: ## Give a resource of the Azure secret new keys while calls go on: make rotate RESOURCE=my-aoai (SUBSCRIPTION=, SIGNIN=, YES=1, LOCAL=1)
	@test -n "$$RESOURCE" || { echo 'which resource of the secret? make rotate RESOURCE=my-aoai' >&2; exit 1; }
	@$(IN_LOCAL_STACK) $(if $(REGION),AWS_REGION="$$REGION") $(GO_RUN) ./infra/azure -rotate "$$RESOURCE" $(if $(SUBSCRIPTION),-subscription "$$SUBSCRIPTION") -signin "$$SIGNIN" $(if $(YES),-yes)

# With LOCAL=1 a tool is told where the local stack is.
IN_LOCAL_STACK = $(if $(LOCAL),test -f dist/local.env || { echo 'the local stack does not run: start it with make run' >&2; exit 1; }; . dist/local.env;)

# One go command for all: linking side by side, and nothing at all when nothing changed.
build: ## Build the functions for this machine, into dist/<name>/bootstrap
	@mkdir -p dist/bin
	@$(GO_BUILD) -o dist/bin/ ./functions/... ./infra/local ./infra/batch
	@for dir in functions/*/; do name=$$(basename "$$dir"); \
		mkdir -p "dist/$$name" && ln -sf "../bin/$$name" "dist/$$name/bootstrap" || exit 1; done

deploy: ## Build, deploy to AWS, make the first key and check: make deploy (STACK=, REGION=, PARAMETERS='A=b C=d', YES=1)
	@$(GO_RUN) ./infra/deploy up

undeploy: ## Delete the stack, and say what stays: make undeploy (STACK=, REGION=, YES=1)
	@$(GO_RUN) ./infra/deploy down

deploy undeploy: export PARAMETERS := $(value PARAMETERS)

release: ## Print the version that a build has, which is the latest tag's
	@echo $(VERSION)

clean: ## Remove what was built
	rm -rf dist .aws-sam

# What `sam build` calls, with ARTIFACTS_DIR set: build-TokenEstimateFunction builds functions/token-estimate. SAM does not
# pass its --parameter-overrides on; they are looked for in its command line, so that another processor is not left out
# in silence.
build-%Function:
	@test -n "$(ARTIFACTS_DIR)" || { echo "$@ is for sam build, which sets ARTIFACTS_DIR" >&2; exit 1; }
	@test -n "$(GOARCH_$(TEMPLATE_ARCHITECTURE))" || { echo "template.yaml allows no Architecture, or another than arm64 or x86_64" >&2; exit 1; }
	@sam=$$(ps -o args= -p $$(ps -o ppid= -p $$PPID) 2>/dev/null); \
	for asked in $(ARCHITECTURE) $$(echo "$$sam" | sed -n 's/.*Architecture\(,ParameterValue\)\{0,1\}=[\\"]*\([a-z0-9_]*\).*/\2/p'); do \
		test "$$asked" = $(TEMPLATE_ARCHITECTURE) || { echo "Architecture=$$asked was asked for, but template.yaml is for $(TEMPLATE_ARCHITECTURE): write $$asked in template.yaml," \
			"in Default and AllowedValues of its parameter Architecture, and leave it out here" >&2; exit 1; }; \
	done
	GOOS=linux GOARCH=$(GOARCH_$(TEMPLATE_ARCHITECTURE)) $(GO_BUILD) -o "$(ARTIFACTS_DIR)/bootstrap" \
		./functions/$(shell echo $* | sed 's/\([a-z0-9]\)\([A-Z]\)/\1-\2/g' | tr A-Z a-z)
