# BIP340 signatures and x-only keys: imported target Secp256k1::Secp256k1.
include(${CMAKE_CURRENT_LIST_DIR}/NotchFind.cmake)
notch_find_library(
    Secp256k1
    TARGET Secp256k1::Secp256k1
    HEADER secp256k1_schnorrsig.h
    LIBRARY secp256k1
    DEBIAN libsecp256k1-dev
    PKGCONFIG libsecp256k1)
