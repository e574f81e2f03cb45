# jwtd: make, make run, make test, make check; make install [DESTDIR= PREFIX=]; make dist; make deb
#
# CC=musl-gcc makes the small one. SANITIZE=address,undefined (or thread) builds
# with sanitizers, into a folder of its own.

VERSION  = 0.1.0
RELEASED = 1795478400# 2026-11-24, in seconds: a clock that stands before it is wrong
CC       = cc
PREFIX   = /usr/local
BUILD    = build/$(notdir $(firstword $(CC)))$(if $(SANITIZE),-$(firstword $(subst $(comma), ,$(SANITIZE))))
comma    = ,

ROOMS    = bytes file log sha256 sha256_hw hmac base64url json scrypt http browser address page jwt keys password revoked \
           etcd users users_file users_etcd throttle sandbox listen metrics access api server admin health token
SOURCES  = main.c $(ROOMS:=.c)
HEADERS  = $(wildcard *.h)
TESTS    = $(patsubst tests/%.c,%,$(wildcard tests/*_test.c))

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-qual -Wmissing-prototypes -Wvla
CFLAGS   = -O2 -g
WERROR   =
HARDEN   = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 \
             -fstack-protector-strong)
FLAGS    = -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 $(PIE) -pthread -ffunction-sections \
           -fno-asynchronous-unwind-tables $(WARNINGS) $(WERROR) $(HARDEN) $(CFLAGS) $(SMALL)

# static-pie where it links and runs, else static, else dynamic. (A wrapper like
# musl-gcc may take -static-pie and link dynamically: the probe must name no interpreter.)
probe    = $(shell mkdir -p $(BUILD) && cd $(BUILD) && echo 'int main(void){return 0;}' >probe.c && \
             $(CC) -fPIE -pthread $(1) probe.c -o probe 2>/dev/null && $(EMULATOR) ./probe && \
             ! readelf -l probe 2>/dev/null | grep -q INTERP && echo yes)
LINK     := $(if $(SANITIZE),-pie,$(if $(call probe,-static-pie),-static-pie,$(if $(call probe,-static),-static,-pie)))
# what is linked to a fixed address needs no position-independent code
PIE      = $(if $(filter -static,$(LINK)),-fno-pie,-fPIE)
LDFLAGS  = $(LINK) -Wl,-z,relro,-z,now,-z,noexecstack,-z,noseparate-code,--gc-sections

TARGET   := $(shell $(CC) -dumpmachine)
LIBC     := $(shell $(CC) -E -dM -include features.h -xc /dev/null 2>/dev/null | \
              awk '$$2=="__GLIBC__"{a=$$3} $$2=="__GLIBC_MINOR__"{b=$$3} END{print a ? "glibc " a "." b : "musl"}')
DEFINES  = -DJWTD_RELEASED=$(RELEASED) -DJWTD_VERSION='"$(VERSION)"' -DJWTD_TARGET='"$(TARGET)"' -DJWTD_LIBC='"$(LIBC)"'

all: jwtd

# Always compared, so that ./jwtd is what this CC built last.
jwtd: $(BUILD)/jwtd FORCE
	@cmp -s $< $@ || { cp $< $@.new && mv -f $@.new $@; }

$(BUILD)/jwtd: $(SOURCES:%.c=$(BUILD)/%.o)
	@[ "$(LINK)" != -pie ] || [ -n "$(SANITIZE)" ] || echo "warning: no static libc here, jwtd is linked dynamically"
	$(CC) $(FLAGS) $(LDFLAGS) $^ -o $@

$(BUILD)/%.o: %.c $(HEADERS) Makefile
	@mkdir -p $(BUILD)
	$(CC) $(FLAGS) $(if $(filter main.c api.c,$<),$(DEFINES)) -c $< -o $@

$(BUILD)/page.o: index.html

# The small one: all but SHA-256, scrypt and base64url is built for size.
ifneq (,$(findstring musl,$(CC)))
$(filter-out %sha256.o %sha256_hw.o %scrypt.o %base64url.o,$(SOURCES:%.c=$(BUILD)/%.o)): SMALL = -Os
endif

run: jwtd
	./jwtd

# A test that reaches inside a room includes its .c and is linked without it.
$(BUILD)/%_test: tests/%_test.c tests/test.h $(wildcard tests/*.h) $(ROOMS:%=$(BUILD)/%.o)
	$(CC) $(FLAGS) -I. $(LDFLAGS) $< $(filter-out $(patsubst %,$(BUILD)/%.o,$(shell sed -n 's|^#include "\.\./\(.*\)\.c"$$|\1|p' $<)),$(filter %.o,$^)) -o $@

# Its clock is LATE seconds ahead: for tests/keys.py and tests/openapi.sh.
$(BUILD)/late_jwtd: tests/late_clock.c $(SOURCES:%.c=$(BUILD)/%.o)
	$(CC) -D_GNU_SOURCE -static -pthread -Wl,-z,muldefs $^ -o $@

unit-tests: $(TESTS:%=$(BUILD)/%)

test: # the compilers on all cores at once: they took half the time
	@$(MAKE) -s $(if $(findstring -j,$(MAKEFLAGS)),,-j$$(nproc 2>/dev/null || echo 1)) jwtd unit-tests
	@tests/run.sh $(TESTS:%=$(BUILD)/%) ./test.sh tests/admin.sh tests/keys.sh

# The long one, in two lanes of about the same length: real peers, other machines and fuzzing; beside them, with what
# processor time they leave, other compilers and sanitizers.
PEERS    = man services lifecycle admin keys metrics durability flask interop openapi browser tour fail2ban guard etcd \
           cluster machines dist deb
BUILDS   = layers constant_time memory mutants builds coverage
check: jwtd unit-tests
	@tests/run.sh $(filter-out %/http_test,$(TESTS:%=$(BUILD)/%)) "$(BUILD)/http_test every" ./test.sh \
	  $(PEERS:%=tests/%.sh) "nice fuzz/run 60" -- bench/instructions $(BUILDS:%=tests/%.sh)

# Figures beside those of other servers, in short: bench/README.md
bench: jwtd
	@bench/run

# Which symbols each room of floors 0 and 1 takes from elsewhere: see tests/layers.sh
layers:
	@tests/layers.sh

install: jwtd
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 755 jwtd $(DESTDIR)$(PREFIX)/bin/jwtd
	install -m 644 contrib/jwtd.8 $(DESTDIR)$(PREFIX)/share/man/man8/jwtd.8

# Static and stripped, for every machine whose compiler is here: the same bytes in any folder and at any time.
# NAME:COMPILER[:TARGET], linked with musl where Debian's musl-dev for that target is installed beside the compiler.
MACHINES = x86_64:musl-gcc aarch64:aarch64-linux-gnu-gcc:aarch64-linux-musl \
           armhf:arm-linux-gnueabihf-gcc:arm-linux-musleabihf riscv64:riscv64-linux-gnu-gcc mips:mips-linux-gnu-gcc
dist:
	@mkdir -p dist && rm -f dist/jwtd-* dist/SHA256SUMS
	@for machine in $(MACHINES); do \
	  name=$${machine%%:*} cc=$${machine#*:}; \
	  specs=/usr/lib/$${cc##*:}/musl-gcc.specs; \
	  cc=$${cc%%:*}; \
	  command -v $$cc >/dev/null || { echo "left out: $$name, there is no $$cc"; continue; }; \
	  [ ! -e $$specs ] || cc="$$cc -specs $$specs"; \
	  $(MAKE) -s CC="$$cc" BUILD=build/dist/$$name EMULATOR=true CFLAGS='-O2 -s "-ffile-prefix-map=$(CURDIR)=."' \
	    build/dist/$$name/jwtd && cp build/dist/$$name/jwtd dist/jwtd-$(VERSION)-$$name || exit 1; \
	done
	@cd dist && sha256sum jwtd-* >SHA256SUMS && cat SHA256SUMS

# A package for Debian, in dist/, built from a copy so that debhelper leaves nothing here.
deb:
	@rm -rf build/deb && mkdir -p build/deb/jwtd dist
	@cp -r *.c *.h index.html Makefile README.md SECURITY.md contrib debian build/deb/jwtd
	@cd build/deb/jwtd && DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage -b -us -uc
	@mv build/deb/jwtd_*.deb dist

clean:
	rm -rf build dist jwtd

FORCE:
.PHONY: all run test unit-tests check bench layers install dist deb clean FORCE
