# cmake -DWORDS=english.txt -DOUT=bip39_words.inc -P words.cmake
#
# Turns the word list of BIP39 into the rows of a C array. Any other list would open other wallets, so
# the file must be the very one that the BIP publishes.

set(expected 2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda)
file(SHA256 ${WORDS} actual)
if(NOT actual STREQUAL expected)
    message(FATAL_ERROR "${WORDS} is not the English word list of BIP39: its SHA-256 is ${actual}")
endif()
file(STRINGS ${WORDS} words)
list(LENGTH words count)
if(NOT count EQUAL 2048)
    message(FATAL_ERROR "${WORDS} has ${count} words, not 2048")
endif()
list(JOIN words "\",\n\"" rows)
file(WRITE ${OUT} "\"${rows}\",\n")
