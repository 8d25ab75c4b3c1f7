# SPDX-License-Identifier: GPL-3.0-or-later
# The only door: everything that is done with this source is a target here. `make` lists them.
SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
OUTPUT ?= output
MANIFEST ?= Fixtures/manifests/rescue.toml

RELEASE = -c release --static-swift-stdlib
BUILT = $(shell $(SWIFT) build $(RELEASE) --show-bin-path)
# No debugger looks at what the tests are built to.
DEBUG = -debug-info-format none
TESTS = scripts/run-tests "$$($(SWIFT) build $(DEBUG) --show-bin-path)/lifeboatPackageTests.xctest"
EVERYTHING = LIFEBOAT_TEST_ALL=1 LIFEBOAT_BOOT_TESTS=1 LIFEBOAT_NETWORK_LAB=1 LIFEBOAT_FUZZ_PACKETS=1000000 \
  LIFEBOAT_LAB_PROGRAM="$(CURDIR)/.build/release/lifeboat"
FUZZ_SECONDS = $(or $(LIFEBOAT_FUZZ_SECONDS),60)
LIBRARIES = HostSystem StrictTOML RecoveryManifest RecoveryPlan Signing BootAssembly \
  MediumWriting MediumReading DiscBurning DriveDiscovery FlashMedia

.PHONY: help demo build test test-all tests check boot-test lab-test fuzz bench docs reference format install deb clean
.NOTPARALLEL:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## install what is missing, build Lifeboat, and build a recovery ISO into ./output
	@scripts/install-packages build runtime try
	@$(MAKE) --no-print-directory build
# A demonstration goes on while a mirror's updates are out of step; for media that are used, decide that yourself.
	@"$(BUILT)/lifeboat" build $(MANIFEST) --image tier1 --arch x64 --allow-incomplete-suites -o $(OUTPUT)
	@echo
	@echo "Try it in a virtual computer:  $(BUILT)/lifeboat try $(OUTPUT)/tier1-x64.iso"
	@echo "See what it is:                $(BUILT)/lifeboat inspect $(OUTPUT)/tier1-x64.iso"
	@echo "Find a USB stick for it:        $(BUILT)/lifeboat devices"
	@echo "Write it (as root):             $(BUILT)/lifeboat write $(OUTPUT)/tier1-x64.iso STICK"
	@echo
	@echo "The demo has no menu password: whoever is at the keyboard can get a root shell (docs/security.md)."

build: ## build the program for use: .build/release/lifeboat
	@scripts/install-packages build
	@scripts/step "Building the program" $(SWIFT) build $(RELEASE) --product lifeboat
	@scripts/step "Building the manual" $(SWIFT) build $(RELEASE) --product command-reference

test: ## install what is missing, build, and run the quick tests (two boots among them): 20 minutes on two cores
	@scripts/install-packages build runtime try test
	@scripts/step "Checking the source" scripts/check
	@$(MAKE) --no-print-directory tests
	@$(TESTS) 'sources' 'network media machines'

test-all: ## run every test: media, kills, firmware, labs, fuzzing (software emulation: six hours and more)
	@echo "All tests will take some six hours on two cores. They may be stopped at any time and leave nothing behind."
	@scripts/install-packages build runtime try test lab
	@scripts/step "Checking the source" scripts/check
	@$(MAKE) --no-print-directory build tests
	@$(EVERYTHING) $(TESTS) 'sources network media machines labs'
	@$(MAKE) --no-print-directory fuzz

# Builds the tests.
tests:
	@scripts/install-packages build runtime try test
	@scripts/step "Building the tests" $(SWIFT) build --build-tests $(DEBUG)

check: ## the rules of the source: format, shell, imports, sizes, warnings
	@scripts/install-packages build test
	@scripts/check
	@scripts/check-readme
	@scripts/step "Building everything without warnings" scripts/build-without-warnings $(SWIFT)

boot-test: build tests ## boot the demo on every firmware, from disc, stick and disk (software emulation: some hours)
	@$(EVERYTHING) $(TESTS) machines

lab-test: build tests ## drives of a virtual computer, and its start from the network (software emulation: about an hour)
	@scripts/install-packages lab
	@$(EVERYTHING) $(TESTS) labs

fuzz: ## feed each parser of foreign bytes with what libFuzzer thinks up (LIFEBOAT_FUZZ_SECONDS: how long each)
	@scripts/install-packages build
	@LIFEBOAT_FUZZ=1 scripts/step "Building the parsers for fuzzing" \
	  $(SWIFT) build -c release --product fuzz --scratch-path .build/fuzz --disable-index-store
	@scripts/fuzz .build/fuzz/release/fuzz $(FUZZ_SECONDS)

bench: ## measure: every folder of Benchmarks has a program that prints a table
	@scripts/install-packages build runtime try test
	@for bench in Benchmarks/*/run; do "$$bench" || exit; done

docs: ## DocC of the library products, into .build/docs
	@scripts/install-packages build
	@mkdir -p .build/docs
	@for library in $(LIBRARIES); do \
	  scripts/step "Documenting $$library" $(SWIFT) package --allow-writing-to-directory .build/docs/$$library \
	    generate-documentation --target $$library --output-path .build/docs/$$library || exit; \
	done

reference: ## write docs/command-reference.md anew from the help texts
	@scripts/step "Building" $(SWIFT) build $(DEBUG) --product lifeboat
	@scripts/step "Building" $(SWIFT) build $(DEBUG) --product command-reference
	@.build/debug/lifeboat --experimental-dump-help | .build/debug/command-reference markdown >docs/command-reference.md

format: ## format the Swift sources
	@$(SWIFT) format --in-place --recursive Package.swift Sources Tests Examples Fuzz scripts

install: build ## install into DESTDIR/PREFIX (/usr/local): program, data, manual pages, completions
	@scripts/install "$(BUILT)" "$(DESTDIR)" "$(PREFIX)"

deb: build ## make a Debian package in ./output
	@scripts/install-packages package
	@scripts/make-deb "$(BUILT)" "$(OUTPUT)"

clean: ## remove what was built; the cache of media stays
	@rm -rf .build/debug .build/release .build/docs .build/*-linux-gnu
