/*
 * tests/support/fault_env.h: LevelDB on any table of file operations (chain/io/file.h), and so on a fault disk.
 *
 * LevelDB's C interface takes an Env but cannot make one, so this is the one C++ file of the tree. A sync of a file
 * also syncs the folder that it is in: LevelDB relies on that, as it is what journaling file systems do with a new
 * file.
 *
 * Ownership    The table must outlive the Env, the Env every database opened with it.
 */
#ifndef NOTCH_TESTS_SUPPORT_FAULT_ENV_H
#define NOTCH_TESTS_SUPPORT_FAULT_ENV_H

#ifdef __cplusplus
extern "C" {
#endif

struct notch_file_ops;

/* A leveldb_env_t, for notch_store_options.keys_env. */
void *fault_env_create(const struct notch_file_ops *files);
void fault_env_destroy(void *env);

#ifdef __cplusplus
}
#endif

#endif
