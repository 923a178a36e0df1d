# Argon2id, XChaCha20-Poly1305, locked memory, ristretto255: imported target Sodium::Sodium.
include(${CMAKE_CURRENT_LIST_DIR}/NotchFind.cmake)
notch_find_library(
    Sodium
    TARGET Sodium::Sodium
    HEADER sodium.h
    LIBRARY sodium
    DEBIAN libsodium-dev
    PKGCONFIG libsodium)
