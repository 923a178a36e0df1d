# The key-value store behind chain/io: imported target LevelDB::LevelDB.
include(${CMAKE_CURRENT_LIST_DIR}/NotchFind.cmake)
notch_find_library(
    LevelDB
    TARGET LevelDB::LevelDB
    HEADER leveldb/c.h
    LIBRARY leveldb
    DEBIAN libleveldb-dev)
