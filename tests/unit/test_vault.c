/* Key files on disk: whole or not there, for their owner alone, and never over another without being told. */
#include "wallet/io/vault.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct notch_keyfile_cost cheap = {.passes = 1, .memory_kib = NOTCH_KEYFILE_KIB_MIN};
static const struct notch_bytes passphrase = {(const uint8_t *)"open sesame", 11};

/* A folder of its own for each test, and one path in it. */
struct fixture {
    char folder[PATH_MAX];
    char path[PATH_MAX + 32];
};

static void name_file(struct fixture *fixture, const char *name)
{
    int len = snprintf(fixture->path, sizeof fixture->path, "%s/%s", fixture->folder, name);
    assert_in_range(len, 1, sizeof fixture->path - 1);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *base = getenv("TMPDIR");
    assert_non_null(fixture);
    int len = snprintf(fixture->folder, sizeof fixture->folder, "%s/notch-vault-XXXXXX", base != NULL ? base : "/tmp");
    assert_in_range(len, 1, sizeof fixture->folder - 1);
    assert_non_null(mkdtemp(fixture->folder));
    name_file(fixture, "author.key");
    *state = fixture;
    return 0;
}

/* How many names the folder holds. */
static size_t count_files(const struct fixture *fixture)
{
    DIR *folder = opendir(fixture->folder);
    size_t count = 0;
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    assert_int_equal(closedir(folder), 0);
    return count;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    DIR *folder = opendir(fixture->folder);
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (unlinkat(dirfd(folder), entry->d_name, 0) != 0) {
            (void)unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
        }
    }
    assert_int_equal(closedir(folder), 0);
    assert_int_equal(rmdir(fixture->folder), 0);
    free(fixture);
    return 0;
}

static struct notch_keyfile make_contents(const char *label)
{
    struct notch_keyfile file = {.kind = NOTCH_KEYFILE_ROLE, .role = NOTCH_ROLE_AUTHOR, .secret_len = 32};
    memset(file.secret, 7, sizeof file.secret);
    memcpy(file.label, label, strlen(label) + 1);
    return file;
}

static enum notch_err save(const struct fixture *fixture, const char *label, enum notch_vault_mode mode)
{
    struct notch_keyfile file = make_contents(label);
    const char *detail = "";
    enum notch_err err = notch_vault_save(fixture->path, &file, passphrase, cheap, mode, &detail);
    /* A failure is always explained, a success never. */
    assert_int_equal(strlen(detail) > 0, err != NOTCH_OK);
    return err;
}

static enum notch_err load(const struct fixture *fixture, struct notch_keyfile *out, const char **detail)
{
    *detail = "";
    enum notch_err err = notch_vault_load(out, fixture->path, passphrase, detail);
    assert_int_equal(strlen(*detail) > 0, err != NOTCH_OK);
    return err;
}

static void has_label(const struct fixture *fixture, const char *label)
{
    struct notch_keyfile file;
    const char *detail;
    assert_int_equal(load(fixture, &file, &detail), NOTCH_OK);
    assert_string_equal(file.label, label);
}

static void test_saved_file_loads(void **state)
{
    struct fixture *fixture = *state;
    struct stat info;
    mode_t mask = umask(0);
    assert_int_equal(save(fixture, "first", NOTCH_VAULT_KEEP), NOTCH_OK);
    (void)umask(mask);
    has_label(fixture, "first");
    assert_int_equal(stat(fixture->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(info.st_size, NOTCH_KEYFILE_LEN);
    assert_int_equal(count_files(fixture), 1);
    struct notch_keyfile file;
    const char *detail;
    assert_int_equal(notch_vault_load(&file, fixture->path, notch_bytes("x", 1), &detail), NOTCH_ERR_PASSPHRASE);
    assert_int_equal(notch_vault_load(&file, fixture->path, notch_bytes("x", 1), NULL), NOTCH_ERR_PASSPHRASE);
}

static void test_existing_file_is_kept(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(save(fixture, "first", NOTCH_VAULT_KEEP), NOTCH_OK);
    assert_int_equal(save(fixture, "second", NOTCH_VAULT_KEEP), NOTCH_ERR_EXISTS);
    has_label(fixture, "first");
    assert_int_equal(save(fixture, "second", NOTCH_VAULT_OVERWRITE), NOTCH_OK);
    has_label(fixture, "second");
    assert_int_equal(count_files(fixture), 1);
}

/* Two files of the same contents have nothing in common but the magic, the version and the costs. */
static void test_salt_and_nonce_are_fresh(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[2][NOTCH_KEYFILE_LEN];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(save(fixture, "same", NOTCH_VAULT_OVERWRITE), NOTCH_OK);
        FILE *file = fopen(fixture->path, "rb");
        assert_non_null(file);
        assert_int_equal(fread(bytes[i], 1, NOTCH_KEYFILE_LEN, file), NOTCH_KEYFILE_LEN);
        assert_int_equal(fclose(file), 0);
    }
    assert_memory_equal(bytes[0], bytes[1], 18);
    assert_memory_not_equal(bytes[0] + 18, bytes[1] + 18, 16);
    assert_memory_not_equal(bytes[0] + 34, bytes[1] + 34, 24);
    assert_memory_not_equal(bytes[0] + 58, bytes[1] + 58, 16);
}

static void test_file_open_to_others_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const mode_t bad[] = {0640, 0604, 0660, 0666, 0620, 0602, 0611, 0644};
    struct notch_keyfile file;
    const char *detail;
    assert_int_equal(save(fixture, "mine", NOTCH_VAULT_KEEP), NOTCH_OK);
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(bad); i++) {
        assert_int_equal(chmod(fixture->path, bad[i]), 0);
        assert_int_equal(load(fixture, &file, &detail), NOTCH_ERR_PERMISSION);
        assert_non_null(strstr(detail, "chmod 600"));
    }
    assert_int_equal(chmod(fixture->path, 0400), 0);
    has_label(fixture, "mine");
}

static void test_links_pipes_and_folders_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct notch_keyfile file;
    const char *detail;
    assert_int_equal(save(fixture, "mine", NOTCH_VAULT_KEEP), NOTCH_OK);
    char target[sizeof fixture->path];
    memcpy(target, fixture->path, sizeof target);
    name_file(fixture, "link.key");
    assert_int_equal(symlink(target, fixture->path), 0);
    assert_int_equal(load(fixture, &file, &detail), NOTCH_ERR_PERMISSION);
    assert_non_null(strstr(detail, "symbolic link"));
    assert_int_equal(save(fixture, "over", NOTCH_VAULT_KEEP), NOTCH_ERR_EXISTS);
    /* Overwriting replaces the link and not what it leads to. */
    assert_int_equal(save(fixture, "over", NOTCH_VAULT_OVERWRITE), NOTCH_OK);
    has_label(fixture, "over");
    memcpy(fixture->path, target, sizeof target);
    has_label(fixture, "mine");
    name_file(fixture, "pipe.key");
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    assert_int_equal(load(fixture, &file, &detail), NOTCH_ERR_PERMISSION);
    name_file(fixture, "folder.key");
    assert_int_equal(mkdir(fixture->path, 0700), 0);
    assert_int_equal(load(fixture, &file, &detail), NOTCH_ERR_PERMISSION);
    assert_int_equal(save(fixture, "x", NOTCH_VAULT_OVERWRITE), NOTCH_ERR_PERMISSION);
    name_file(fixture, "");
    assert_int_equal(save(fixture, "x", NOTCH_VAULT_OVERWRITE), NOTCH_ERR_PERMISSION);
    assert_int_equal(count_files(fixture), 4);
}

static void test_missing_places(void **state)
{
    struct fixture *fixture = *state;
    struct notch_keyfile file;
    const char *detail;
    assert_int_equal(load(fixture, &file, &detail), NOTCH_ERR_NOT_FOUND);
    name_file(fixture, "no/such.key");
    assert_int_equal(load(fixture, &file, &detail), NOTCH_ERR_NOT_FOUND);
    assert_int_equal(save(fixture, "x", NOTCH_VAULT_KEEP), NOTCH_ERR_NOT_FOUND);
    char name[NAME_MAX];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    int len = snprintf(fixture->path, sizeof fixture->path, "%s/%s", fixture->folder, name);
    if (len > 0 && (size_t)len < sizeof fixture->path) {
        assert_int_equal(save(fixture, "x", NOTCH_VAULT_KEEP), NOTCH_ERR_INVALID);
    }
    assert_int_equal(count_files(fixture), 0);
}

static void write_bytes(const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    assert_int_equal(close(fd), 0);
}

static void test_damaged_files(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[4096] = {0};
    struct notch_keyfile file;
    const char *detail;
    write_bytes(fixture->path, "", 0);
    assert_int_equal(load(fixture, &file, &detail), NOTCH_ERR_CORRUPT);
    write_bytes(fixture->path, bytes, sizeof bytes);
    assert_int_equal(load(fixture, &file, &detail), NOTCH_ERR_CORRUPT);
    memcpy(bytes, "NOTCHKEY\x02\x01", 10);
    write_bytes(fixture->path, bytes, 20);
    assert_int_equal(load(fixture, &file, &detail), NOTCH_ERR_VERSION);
    assert_non_null(strstr(detail, "later version"));
    assert_int_equal(save(fixture, "new", NOTCH_VAULT_OVERWRITE), NOTCH_OK);
    assert_int_equal(truncate(fixture->path, NOTCH_KEYFILE_LEN - 1), 0);
    assert_int_equal(load(fixture, &file, &detail), NOTCH_ERR_CORRUPT);
    assert_int_equal(truncate(fixture->path, NOTCH_KEYFILE_LEN + 1), 0);
    assert_int_equal(load(fixture, &file, &detail), NOTCH_ERR_CORRUPT);
}

static void test_bad_contents_leave_nothing(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(save(fixture, "a\nb", NOTCH_VAULT_KEEP), NOTCH_ERR_INVALID);
    assert_int_equal(count_files(fixture), 0);
}

/* A disk that takes no more bytes is played by a limit on the size of files: the old file stays, the draft goes. */
static void test_failed_write_leaves_the_old_file(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit before;
    assert_int_equal(save(fixture, "old", NOTCH_VAULT_KEEP), NOTCH_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 100, .rlim_max = before.rlim_max};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction kept;
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &kept), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum notch_err err = save(fixture, "new", NOTCH_VAULT_OVERWRITE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(sigaction(SIGXFSZ, &kept, NULL), 0);
    assert_int_equal(err, NOTCH_ERR_IO);
    assert_int_equal(count_files(fixture), 1);
    has_label(fixture, "old");
}

/* Root may write anywhere: there the test gives the folder to another user and acts as that one for a moment. */
static void test_folder_without_write_permission(void **state)
{
    enum { NOBODY = 65534 };
    struct fixture *fixture = *state;
    uid_t user = geteuid();
    assert_int_equal(chmod(fixture->folder, 0500), 0);
    if (user == 0) {
        assert_int_equal(chown(fixture->folder, NOBODY, (gid_t)-1), 0);
        assert_int_equal(seteuid(NOBODY), 0);
    }
    enum notch_err err = save(fixture, "x", NOTCH_VAULT_KEEP);
    assert_int_equal(seteuid(user), 0);
    assert_int_equal(chmod(fixture->folder, 0700), 0);
    assert_int_equal(err, NOTCH_ERR_PERMISSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_saved_file_loads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_existing_file_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_salt_and_nonce_are_fresh, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_open_to_others_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_links_pipes_and_folders_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_places, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_contents_leave_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_write_leaves_the_old_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder_without_write_permission, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
