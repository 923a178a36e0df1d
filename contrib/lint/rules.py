"""What the lint holds the tree to: the tables, and nothing else. Change a rule here, with its reason."""

# ---------------------------------------------------------------------------------------------
# Layers: which folder may include which. An arrow is transitive: chain may include what base may.
# A value "folder/file.h" allows that header alone, and what lies below its folder.

LAYERS = {
    "base": [],
    "chain": ["base"],
    "consensus": ["chain"],
    "p2p": ["chain"],
    "ai/rules": ["chain"],
    "ai/agent": ["base", "ai/rules"],
    "wallet": ["base"],
    "node": ["consensus", "p2p", "ai/rules"],
    "rpc": ["node/api.h", "chain"],
    # Below the line: these meet the operating system.
    "chain/io": ["chain"],
    "p2p/io": ["p2p"],
    "wallet/io": ["wallet"],
    "rpc/io": ["rpc"],
    "node/daemon": ["node", "rpc", "rpc/io", "chain/io", "p2p/io", "wallet", "wallet/io"],
    "rpc/cli": ["rpc", "wallet", "wallet/io", "ai/rules", "ai/agent", "chain"],
}

# Folders that may include anything: they look at the whole from outside.
OUTSIDE = ("tests", "contrib")

# Folders that compute and do nothing else: no clock, randomness, file, socket, thread or heap.
PURE = ("base", "chain", "consensus", "p2p", "ai/rules", "ai/agent", "wallet", "node", "rpc")

# ---------------------------------------------------------------------------------------------
# Headers of other projects: (prefix, folders that may include it, what it is for there).

THIRD_PARTY = [
    ("secp256k1", ("base", "wallet"), "signatures and key derivation"),
    ("openssl/sha.h", ("base", "wallet", "rpc/io"), "SHA-256; SHA-1 of the WebSocket handshake"),
    ("openssl/evp.h", ("base", "wallet", "p2p/io"), "digests, PBKDF2, the keys of TLS"),
    ("openssl/hmac.h", ("base", "wallet"), "HMAC-SHA512"),
    ("openssl/crypto.h", ("base", "wallet", "wallet/io"), "wiping secrets"),
    ("openssl/ripemd.h", ("wallet",), "BIP32 fingerprints"),
    ("openssl/", ("p2p/io",), "TLS"),
    ("sodium", ("base", "chain", "wallet", "wallet/io", "rpc/io", "node/daemon"), "ristretto255, key files, passwords"),
    ("zstd.h", ("p2p", "chain/io"), "compression"),
    ("leveldb/", ("chain/io",), "the store"),
    ("uv.h", ("node/daemon", "p2p/io", "rpc/io", "chain/io"), "the event loop"),
    ("ares.h", ("p2p/io",), "DNS"),
    ("microhttpd.h", ("rpc/io",), "HTTP"),
    ("wslay/", ("rpc/io", "rpc/cli"), "WebSocket framing"),
    ("jansson.h", ("rpc", "rpc/io", "rpc/cli", "node/daemon"), "JSON"),
    ("ini.h", ("node/daemon",), "configuration"),
    ("cblas.h", ("ai/agent",), "matrix products"),
    ("kiss_fft", ("ai/agent",), "spectra"),
]

# Headers of the C library that bring no clock, file, socket or thread: all that a pure folder gets.
# stdio.h is among them for snprintf; errno.h and stdlib.h for the number parsers of base.
PURE_SYSTEM = {
    "errno.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h",
    "stdio.h", "stdlib.h", "string.h",
}
PURE_SYSTEM_EXTRA = {
    "ai/agent": {"math.h", "float.h"},
    # The tables of secp256k1 are made once and read by every thread.
    "base": {"stdatomic.h"},
}

# Headers of C and POSIX that the folders below the line may use besides.
HOSTED_SYSTEM = {
    "argp.h", "assert.h", "ctype.h", "dirent.h", "endian.h", "fcntl.h", "float.h", "getopt.h", "glob.h",
    "grp.h", "ifaddrs.h", "langinfo.h", "libgen.h", "locale.h", "malloc.h", "math.h", "netdb.h", "poll.h",
    "pthread.h", "pwd.h", "sched.h", "semaphore.h", "setjmp.h", "signal.h", "spawn.h", "stdatomic.h",
    "stdnoreturn.h", "strings.h", "sysexits.h", "syslog.h", "termios.h", "threads.h", "time.h", "ucontext.h",
    "unistd.h", "wchar.h", "execinfo.h",
}
HOSTED_SYSTEM_FOLDERS = ("sys/", "linux/", "net/", "netinet/", "arpa/", "bits/")

# ---------------------------------------------------------------------------------------------
# Calls that are refused, and what takes their place.

BANNED_EVERYWHERE = {
    "strcpy": "snprintf or memcpy with a checked length",
    "strncpy": "snprintf, which always ends the string",
    "strcat": "notch_writer of base/codec.h, or snprintf into the rest of the buffer",
    "strncat": "snprintf into the rest of the buffer",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "gets": "fgets",
    "strtok": "a loop over memchr: strtok keeps state and writes into its input",
    "atoi": "a parser that reports errors and range",
    "atol": "a parser that reports errors and range",
    "atoll": "a parser that reports errors and range",
    "atof": "notch_micro_parse of base/fixed.h",
    "alloca": "a bounded array, or notch_alloc",
    "rand": "notch_rng of base/rng.h, seeded by the caller",
    "srand": "notch_rng of base/rng.h, seeded by the caller",
    "random": "notch_rng of base/rng.h, seeded by the caller",
    "srandom": "notch_rng of base/rng.h, seeded by the caller",
    "drand48": "notch_rng of base/rng.h, seeded by the caller",
    "lrand48": "notch_rng of base/rng.h, seeded by the caller",
    "gettimeofday": "`now` of the event, or clock_gettime below the line",
    "localtime": "gmtime_r",
    "gmtime": "gmtime_r",
    "ctime": "strftime on gmtime_r",
    "asctime": "strftime on gmtime_r",
    "assert": "notch_assert of base/assert.h, which stays on in every build",
    "tmpnam": "mkstemp",
    "mktemp": "mkstemp",
    "sleep": "a wait for the condition itself: poll, a condition variable, a timer of the loop",
    "usleep": "a wait for the condition itself: poll, a condition variable, a timer of the loop",
    "vfork": "posix_spawn",
}

# In the product (everything but tests and contrib) also:
BANNED_IN_PRODUCT = {
    "time": "`now` of the event, or clock_gettime below the line",
    "system": "posix_spawn with an argument vector",
    "popen": "posix_spawn with an argument vector",
    "scanf": "the bounded reader of base/codec.h, or a parser that reports errors",
    "sscanf": "a parser that reports errors and range",
    "fscanf": "a parser that reports errors and range",
    "signal": "sigaction",
    "setjmp": "an error code",
    "longjmp": "an error code",
    "bcopy": "memmove",
    "bzero": "memset",
}

_HEAP = "notch_alloc of base/alloc.h, with the allocator of the options"
_PRINT = "a result, or the log sink of base/log.h"
_IO = "an effect that the driver carries out"

# In the pure folders also:
BANNED_IN_PURE = {
    "malloc": _HEAP, "calloc": _HEAP, "realloc": _HEAP, "free": _HEAP, "strdup": _HEAP, "strndup": _HEAP,
    "printf": _PRINT, "fprintf": _PRINT, "vprintf": _PRINT, "vfprintf": _PRINT, "puts": _PRINT,
    "fputs": _PRINT, "putchar": _PRINT, "perror": _PRINT,
    "fopen": _IO, "open": _IO, "openat": _IO, "read": _IO, "write": _IO, "pread": _IO, "pwrite": _IO,
    "socket": _IO, "connect": _IO, "send": _IO, "recv": _IO, "fsync": _IO, "fdatasync": _IO,
    "clock_gettime": "`now` of the event", "clock": "`now` of the event",
    "getrandom": "an ENTROPY effect", "arc4random": "an ENTROPY effect", "randombytes_buf": "an ENTROPY effect",
    "RAND_bytes": "an ENTROPY effect",
    "getenv": "a field of the options", "exit": "an error code", "_exit": "an error code",
    "pthread_create": "a VERIFY effect, or another effect that the driver's threads carry out",
    "strtol": "a parser that reports errors and range, without locale", "strtoul": "a parser without locale",
    "strtoll": "a parser that reports errors and range, without locale", "strtoull": "a parser without locale",
    "strtod": "notch_micro_parse of base/fixed.h",
}

# The places where a banned call is the point: (file, call) -> why.
BANNED_EXCEPT = {
    ("base/alloc.c", "realloc"): "the heap behind notch_alloc_heap()",
    ("base/alloc.c", "free"): "the heap behind notch_alloc_heap()",
}

# ---------------------------------------------------------------------------------------------
# Symbols: what the archive of a pure folder may leave for the linker to find. Patterns match whole
# names. Whatever is in neither table is refused: add it to SYMBOLS_PURE if it only computes.

SYMBOLS_PURE = [
    r"notch_\w+",
    # ISO C that computes. snprintf formats into memory. qsort needs a comparison without equals: their
    # order differs between C libraries.
    r"mem(cpy|move|set|cmp|chr)", r"bcmp", r"str(len|nlen|cmp|ncmp|chr|rchr|str|spn|cspn|pbrk)", r"v?snprintf",
    r"bsearch", r"qsort",
    # What the compiler adds: checks, wide arithmetic, sanitizers, coverage.
    r"__(mem(cpy|move|set|cmp)|v?snprintf)_chk", r"__stack_chk_fail", r"_GLOBAL_OFFSET_TABLE_",
    r"__[a-z]+[dts]i[0-9]", r"__(asan|ubsan|tsan|msan|lsan|sanitizer|sancov|gcov|llvm)_\w+",
    r"__start___sancov\w*", r"__stop___sancov\w*",
    # libcrypto's digests; secp256k1; sodium's curves and ciphers; zstd. (Their random and key-making
    # calls are in SYMBOLS_REFUSED, which is read first.)
    r"(SHA(1|224|256|384|512)|RIPEMD160)(_\w+)?", r"EVP_\w+", r"HMAC(_\w+)?", r"PKCS5_PBKDF2_HMAC", r"OPENSSL_cleanse",
    r"CRYPTO_memcmp", r"secp256k1_\w+", r"crypto_\w+", r"sodium_(memzero|memcmp|is_zero|bin2hex|hex2bin)", r"ZSTD_\w+",
]

# By folder, besides: what its role needs and only computes.
SYMBOLS_PURE_EXTRA = {
    # jansson keeps JSON on the heap it is given; it is not handed a file.
    "rpc": [r"json_(?!dumpf|dumpfd|dump_file|load_file|loadf|loadfd)\w+", r"jansson_\w+"],
    "ai_agent": [
        r"cblas_\w+", r"kiss_fftr?(_\w+)?",
        r"(sqrt|exp|exp2|log|pow|fabs|floor|ceil|tanh|sin|cos|sincos|fmax|fmin|lround)f?l?",
    ],
}

SYMBOLS_REFUSED = [
    (r"(time|clock|clock_gettime|gettimeofday|times|uv_hrtime|nanosleep|sleep|usleep)", "reads a clock",
     "take `now` from the event"),
    (r"(rand|random|srand|srandom|drand48|lrand48|getrandom|getentropy|arc4random\w*|RAND_\w+|randombytes\w*|"
     r"crypto_\w+_(keygen|random|keypair))", "draws randomness",
     "ask by an ENTROPY effect, or take a seed in the options"),
    (r"(open|openat|creat|fopen|fdopen|fclose|fread|fwrite|fgets|read|write|pread|pwrite|readv|writev|close|fsync|"
     r"fdatasync|mmap|munmap|unlink|rename|mkdir|stat|fstat|__open\w*|__read\w*|ioctl|json_dumpf\w*|json_dump_file|"
     r"json_load_file|json_loadf\w*)(64)?", "touches a file", "make it an effect"),
    (r"(socket|bind|listen|accept4?|connect|send|sendto|sendmsg|recv|recvfrom|recvmsg|poll|ppoll|select|epoll_\w+|"
     r"getaddrinfo)", "touches the network", "make it an effect"),
    (r"(printf|fprintf|vprintf|vfprintf|puts|fputs|fputc|putc|putchar|perror|__v?f?printf_chk|stdout|stderr)",
     "prints", "return it, or hand it to the log sink"),
    (r"(pthread_\w+|thrd_\w+|mtx_\w+|cnd_\w+|sem_\w+|fork|vfork|execv\w*|posix_spawn\w*)", "starts or meets a thread",
     "leave threads to the driver"),
    (r"(malloc|calloc|realloc|reallocarray|free|strdup|strndup|aligned_alloc|posix_memalign|asprintf|vasprintf|"
     r"sodium_malloc|sodium_free|sodium_allocarray)", "uses the heap",
     "use notch_alloc with the allocator of the options"),
    (r"(exit|_exit|_Exit|quick_exit|atexit|abort|__assert_fail|raise|kill|signal|sigaction)", "ends the process",
     "return an error, or notch_assert for a broken promise"),
    (r"(getenv|secure_getenv|setenv|setlocale|localeconv|getpid|__errno_location|strerror\w*)", "reads the process",
     "take it in the options, and return errors as values"),
    (r"(uv|leveldb|SSL|ares|MHD|BIO|wslay)_\w+", "belongs below the line", "move it to the io folder"),
    (r"(strtol|strtoul|strtoll|strtoull|strtod|strtof|sscanf|__isoc\w+|to(upper|lower)|__ctype_\w+|is\w+)",
     "depends on the locale", "parse with the bounded reader"),
]

# The members of an archive where a refused symbol is the point: (archive, member) -> {symbol: why}.
SYMBOLS_EXCEPT = {
    ("base", "alloc.c"): {
        "realloc": "the heap behind notch_alloc_heap()",
        "free": "the heap behind notch_alloc_heap()",
    },
    ("base", "assert.c"): {"abort": "what a broken promise ends in"},
}

# ---------------------------------------------------------------------------------------------
# Sizes.

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
HEADER_LINES_MAX = 200
LINE_COLUMNS_MAX = 120
BLOB_BYTES_MAX = 64 * 1024

CODE_ENDINGS = (".c", ".h", ".py", ".sh", ".cmake", ".js", ".mjs")

# Words that promise work instead of doing it. Spelled in halves, so that this file may hold them.
UNFINISHED = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]

# Folders of a machine that builds, which say nothing to a reader elsewhere.
MACHINE_PATHS = ["/wo" + "rk/", "/tmp/no" + "tch", "/ho" + "me/", "/ro" + "ot/"]
