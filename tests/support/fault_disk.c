#include "tests/support/fault_disk.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define SECTOR 512u

struct inode {
    uint8_t *now;
    uint8_t *platter;
    size_t size;
    size_t cap; /* of both */
    size_t platter_size;
    size_t dirty_from; /* what differs between the two lies in [from, to) */
    size_t dirty_to;
    bool locked;
};

/* A name of a file, or of a folder (inode NULL). */
struct name {
    char *path;
    struct inode *inode;
};

struct names {
    struct name *items;
    size_t count;
};

enum change_kind { ADD, MOVE, REMOVE };

struct change {
    enum change_kind kind;
    char *path;
    char *to;
    struct inode *inode;
};

struct handle {
    struct inode *inode;
    bool locks;
};

struct fault_disk {
    struct notch_file_ops ops;
    struct notch_rng rng;
    pthread_mutex_t lock;
    pthread_t owner;
    struct inode **inodes;
    size_t inode_count;
    struct names now;
    struct names platter;
    struct change *changes; /* of names, not on the platter yet */
    size_t change_count;
    struct handle *handles;
    size_t handle_count;
    bool off;
    uint64_t cut_after;
    uint64_t fail_after;
    int fail_number;
    uint64_t calls;
    uint64_t syncs;
};

static void *grow(void *memory, size_t size)
{
    void *grown = realloc(memory, size > 0 ? size : 1);
    notch_assert(grown != NULL);
    return grown;
}

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    notch_assert(copy != NULL);
    return copy;
}

/* Names. */

static struct name *find_name(struct names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].path, path) == 0) {
            return &names->items[i];
        }
    }
    return NULL;
}

static void add_name(struct names *names, const char *path, struct inode *inode)
{
    struct name *name = find_name(names, path);
    if (name) {
        name->inode = inode;
        return;
    }
    names->items = grow(names->items, (names->count + 1) * sizeof names->items[0]);
    names->items[names->count++] = (struct name){copy_text(path), inode};
}

static void remove_name(struct names *names, const char *path)
{
    struct name *name = find_name(names, path);
    if (name) {
        free(name->path);
        *name = names->items[--names->count];
    }
}

/* A folder takes everything below it along. */
static void move_name(struct names *names, const char *from, const char *to)
{
    size_t len = strlen(from);
    remove_name(names, to);
    for (size_t i = 0; i < names->count; i++) {
        char *path = names->items[i].path;
        if (strncmp(path, from, len) == 0 && (path[len] == '\0' || path[len] == '/')) {
            size_t size = strlen(to) + strlen(path + len) + 1;
            char *moved = grow(NULL, size);
            (void)snprintf(moved, size, "%s%s", to, path + len);
            free(path);
            names->items[i].path = moved;
        }
    }
}

static bool has_below(const struct names *names, const char *dir)
{
    size_t len = strlen(dir);
    for (size_t i = 0; i < names->count; i++) {
        if (strncmp(names->items[i].path, dir, len) == 0 && names->items[i].path[len] == '/') {
            return true;
        }
    }
    return false;
}

static void clear_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i].path);
    }
    free(names->items);
    *names = (struct names){0};
}

static void apply_change(struct names *names, const struct change *change)
{
    switch (change->kind) {
    case ADD:
        add_name(names, change->path, change->inode);
        break;
    case MOVE:
        move_name(names, change->path, change->to);
        break;
    case REMOVE:
        remove_name(names, change->path);
        break;
    }
}

static void change_names(struct fault_disk *disk, enum change_kind kind, const char *path, const char *to,
                         struct inode *inode)
{
    disk->changes = grow(disk->changes, (disk->change_count + 1) * sizeof disk->changes[0]);
    struct change *change = &disk->changes[disk->change_count++];
    *change = (struct change){kind, copy_text(path), to ? copy_text(to) : NULL, inode};
    apply_change(&disk->now, change);
}

/* The oldest `count` changes of names reach the platter. */
static void keep_changes(struct fault_disk *disk, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        apply_change(&disk->platter, &disk->changes[i]);
        free(disk->changes[i].path);
        free(disk->changes[i].to);
    }
    disk->change_count -= count;
    if (disk->change_count > 0) {
        memmove(disk->changes, disk->changes + count, disk->change_count * sizeof disk->changes[0]);
    }
}

static bool is_in(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return path && strncmp(path, dir, len) == 0 && path[len] == '/' && strchr(path + len + 1, '/') == NULL;
}

/* Files. */

static void inode_reserve(struct inode *inode, size_t size)
{
    if (size <= inode->cap) {
        return;
    }
    size_t cap = size + size / 2 + 4096;
    inode->now = grow(inode->now, cap);
    inode->platter = grow(inode->platter, cap);
    memset(inode->now + inode->cap, 0, cap - inode->cap);
    memset(inode->platter + inode->cap, 0, cap - inode->cap);
    inode->cap = cap;
}

static void inode_dirty(struct inode *inode, size_t from, size_t to)
{
    bool clean = inode->dirty_from >= inode->dirty_to;
    inode->dirty_from = clean || from < inode->dirty_from ? from : inode->dirty_from;
    inode->dirty_to = clean || to > inode->dirty_to ? to : inode->dirty_to;
}

static void inode_resize(struct inode *inode, size_t size)
{
    inode_reserve(inode, size);
    size_t low = size < inode->size ? size : inode->size;
    size_t high = size < inode->size ? inode->size : size;
    if (high > low) {
        memset(inode->now + low, 0, high - low);
        inode_dirty(inode, low, high);
    }
    inode->size = size;
}

static void inode_sync(struct inode *inode)
{
    if (inode->dirty_from < inode->dirty_to) {
        memcpy(inode->platter + inode->dirty_from, inode->now + inode->dirty_from, inode->dirty_to - inode->dirty_from);
    }
    inode->platter_size = inode->size;
    inode->dirty_from = 0;
    inode->dirty_to = 0;
}

static struct inode *inode_new(struct fault_disk *disk)
{
    struct inode *inode = calloc(1, sizeof *inode);
    notch_assert(inode != NULL);
    disk->inodes = grow(disk->inodes, (disk->inode_count + 1) * sizeof disk->inodes[0]);
    disk->inodes[disk->inode_count++] = inode;
    return inode;
}

/* Loss. */

static size_t between(struct notch_rng *rng, size_t a, size_t b)
{
    size_t low = a < b ? a : b;
    size_t high = a < b ? b : a;
    return low + (size_t)notch_rng_below(rng, (uint64_t)(high - low) + 1);
}

static void lose_prefix(struct inode *inode, struct notch_rng *rng)
{
    size_t to = between(rng, inode->dirty_from, inode->dirty_to);
    memcpy(inode->platter + inode->dirty_from, inode->now + inode->dirty_from, to - inode->dirty_from);
    if (inode->size >= inode->platter_size) {
        inode->platter_size = to > inode->platter_size ? (to < inode->size ? to : inode->size) : inode->platter_size;
    } else if (notch_rng_below(rng, 2) == 0) {
        inode->platter_size = inode->size;
    }
}

static void lose_sectors(struct inode *inode, struct notch_rng *rng)
{
    for (size_t at = inode->dirty_from - inode->dirty_from % SECTOR; at < inode->dirty_to; at += SECTOR) {
        size_t len = inode->cap - at < SECTOR ? inode->cap - at : SECTOR;
        uint64_t draw = notch_rng_below(rng, 8);
        if (draw == 0) {
            len = (size_t)notch_rng_below(rng, (uint64_t)len + 1); /* torn inside */
        }
        if (draw < 4) {
            memcpy(inode->platter + at, inode->now + at, len);
        }
    }
    inode->platter_size = notch_rng_below(rng, 2) == 0 ? inode->size : between(rng, inode->size, inode->platter_size);
}

static void lose(struct inode *inode, enum fault_loss loss, struct notch_rng *rng)
{
    bool dirty = inode->dirty_from < inode->dirty_to || inode->size != inode->platter_size;
    switch (loss) {
    case FAULT_LOSS_NONE:
        inode_sync(inode);
        break;
    case FAULT_LOSS_PREFIX:
        if (dirty) {
            lose_prefix(inode, rng);
        }
        break;
    case FAULT_LOSS_SECTORS:
        if (dirty) {
            lose_sectors(inode, rng);
        }
        break;
    case FAULT_LOSS_ALL:
    case FAULT_LOSS_COUNT:
        break;
    }
    if (inode->platter_size < inode->cap) {
        memset(inode->platter + inode->platter_size, 0, inode->cap - inode->platter_size);
    }
    if (inode->cap > 0) {
        memcpy(inode->now, inode->platter, inode->cap);
    }
    inode->size = inode->platter_size;
    inode->dirty_from = 0;
    inode->dirty_to = 0;
    inode->locked = false;
}

void fault_disk_power_on(struct fault_disk *disk, enum fault_loss loss)
{
    (void)pthread_mutex_lock(&disk->lock);
    size_t kept = loss == FAULT_LOSS_ALL    ? 0
                  : loss == FAULT_LOSS_NONE ? disk->change_count
                                            : (size_t)notch_rng_below(&disk->rng, (uint64_t)disk->change_count + 1);
    keep_changes(disk, kept);
    for (size_t i = 0; i < disk->change_count; i++) {
        free(disk->changes[i].path);
        free(disk->changes[i].to);
    }
    disk->change_count = 0;
    clear_names(&disk->now);
    for (size_t i = 0; i < disk->platter.count; i++) {
        add_name(&disk->now, disk->platter.items[i].path, disk->platter.items[i].inode);
    }
    for (size_t i = 0; i < disk->inode_count; i++) {
        lose(disk->inodes[i], loss, &disk->rng);
    }
    for (size_t i = 0; i < disk->handle_count; i++) {
        disk->handles[i].inode = NULL;
    }
    disk->off = false;
    disk->cut_after = UINT64_MAX;
    disk->fail_number = 0;
    (void)pthread_mutex_unlock(&disk->lock);
}

/* The calls. Each takes the lock through begin() or begin_change(), and gives it back through end(). */

static int begin(struct fault_disk *disk)
{
    (void)pthread_mutex_lock(&disk->lock);
    return disk->off ? -EIO : 0;
}

static int begin_change(struct fault_disk *disk)
{
    (void)pthread_mutex_lock(&disk->lock);
    if (disk->off) {
        return -EIO;
    }
    if (!pthread_equal(pthread_self(), disk->owner)) {
        return 0;
    }
    disk->calls++;
    if (disk->cut_after != UINT64_MAX && disk->cut_after-- == 0) {
        disk->off = true;
        return -EIO;
    }
    if (disk->fail_number != 0 && (disk->fail_after == 0 || disk->fail_after-- == 0)) {
        return -disk->fail_number;
    }
    return 0;
}

static int end(struct fault_disk *disk, int result)
{
    (void)pthread_mutex_unlock(&disk->lock);
    return result;
}

static struct inode *of_handle(struct fault_disk *disk, int file)
{
    return file >= 0 && (size_t)file < disk->handle_count ? disk->handles[file].inode : NULL;
}

static int new_handle(struct fault_disk *disk, struct inode *inode)
{
    disk->handles = grow(disk->handles, (disk->handle_count + 1) * sizeof disk->handles[0]);
    disk->handles[disk->handle_count] = (struct handle){inode, false};
    return (int)disk->handle_count++;
}

static int disk_open(void *self, const char *path, enum notch_file_mode mode)
{
    struct fault_disk *disk = self;
    int failed = mode == NOTCH_FILE_CREATE ? begin_change(disk) : begin(disk);
    if (failed != 0) {
        return end(disk, failed);
    }
    const struct name *name = find_name(&disk->now, path);
    if (name && !name->inode) {
        return end(disk, -EISDIR);
    }
    struct inode *inode = name ? name->inode : NULL;
    if (!inode) {
        if (mode != NOTCH_FILE_CREATE) {
            return end(disk, -ENOENT);
        }
        inode = inode_new(disk);
        change_names(disk, ADD, path, NULL, inode);
    } else if (mode == NOTCH_FILE_CREATE) {
        inode_resize(inode, 0);
    }
    return end(disk, new_handle(disk, inode));
}

static int disk_close(void *self, int file)
{
    struct fault_disk *disk = self;
    (void)pthread_mutex_lock(&disk->lock);
    struct inode *inode = of_handle(disk, file);
    if (inode) {
        inode->locked = inode->locked && !disk->handles[file].locks;
        disk->handles[file].inode = NULL;
    }
    return end(disk, 0);
}

static int64_t disk_read(void *self, int file, void *out, size_t len, uint64_t offset)
{
    struct fault_disk *disk = self;
    int failed = begin(disk);
    const struct inode *inode = of_handle(disk, file);
    if (failed != 0 || !inode) {
        return end(disk, failed != 0 ? failed : -EBADF);
    }
    size_t left = offset < inode->size ? inode->size - (size_t)offset : 0;
    len = left < len ? left : len;
    if (len > 0) {
        memcpy(out, inode->now + offset, len);
    }
    (void)end(disk, 0);
    return (int64_t)len;
}

static int64_t disk_write(void *self, int file, const void *data, size_t len, uint64_t offset)
{
    struct fault_disk *disk = self;
    int failed = begin_change(disk);
    struct inode *inode = of_handle(disk, file);
    if (failed != 0 || !inode) {
        return end(disk, failed != 0 ? failed : -EBADF);
    }
    size_t to = (size_t)offset + len;
    inode_reserve(inode, to);
    if (len > 0) {
        memcpy(inode->now + offset, data, len);
        inode_dirty(inode, (size_t)offset, to);
    }
    inode->size = to > inode->size ? to : inode->size;
    (void)end(disk, 0);
    return (int64_t)len;
}

static int64_t disk_size(void *self, int file)
{
    struct fault_disk *disk = self;
    int failed = begin(disk);
    const struct inode *inode = of_handle(disk, file);
    int64_t size = failed != 0 ? failed : inode ? (int64_t)inode->size : -EBADF;
    (void)end(disk, 0);
    return size;
}

static int disk_truncate(void *self, int file, uint64_t size)
{
    struct fault_disk *disk = self;
    int failed = begin_change(disk);
    struct inode *inode = of_handle(disk, file);
    if (failed != 0 || !inode) {
        return end(disk, failed != 0 ? failed : -EBADF);
    }
    if (size != inode->size) {
        inode_resize(inode, (size_t)size);
    }
    return end(disk, 0);
}

static int disk_sync(void *self, int file)
{
    struct fault_disk *disk = self;
    int failed = begin_change(disk);
    struct inode *inode = of_handle(disk, file);
    if (failed != 0 || !inode) {
        return end(disk, failed != 0 ? failed : -EBADF);
    }
    disk->syncs++;
    inode_sync(inode);
    return end(disk, 0);
}

static int disk_sync_dir(void *self, const char *path)
{
    struct fault_disk *disk = self;
    int failed = begin_change(disk);
    if (failed != 0) {
        return end(disk, failed);
    }
    size_t kept = 0;
    for (size_t i = 0; i < disk->change_count; i++) {
        if (is_in(disk->changes[i].path, path) || is_in(disk->changes[i].to, path)) {
            kept = i + 1;
        }
    }
    keep_changes(disk, kept);
    return end(disk, 0);
}

static int disk_make_dir(void *self, const char *path)
{
    struct fault_disk *disk = self;
    int failed = begin_change(disk);
    if (failed == 0 && !find_name(&disk->now, path)) {
        change_names(disk, ADD, path, NULL, NULL);
    }
    return end(disk, failed);
}

static int disk_rename(void *self, const char *from, const char *to)
{
    struct fault_disk *disk = self;
    int failed = begin_change(disk);
    if (failed == 0 && !find_name(&disk->now, from)) {
        failed = -ENOENT;
    }
    if (failed == 0 && has_below(&disk->now, to)) {
        failed = -ENOTEMPTY;
    }
    if (failed == 0) {
        change_names(disk, MOVE, from, to, NULL);
    }
    return end(disk, failed);
}

static int disk_remove(void *self, const char *path)
{
    struct fault_disk *disk = self;
    int failed = begin_change(disk);
    if (failed == 0 && !find_name(&disk->now, path)) {
        failed = -ENOENT;
    }
    if (failed == 0 && has_below(&disk->now, path)) {
        failed = -ENOTEMPTY;
    }
    if (failed == 0) {
        change_names(disk, REMOVE, path, NULL, NULL);
    }
    return end(disk, failed);
}

static int disk_lock(void *self, int file)
{
    struct fault_disk *disk = self;
    int failed = begin(disk);
    struct inode *inode = of_handle(disk, file);
    if (failed != 0 || !inode) {
        return end(disk, failed != 0 ? failed : -EBADF);
    }
    if (inode->locked) {
        return end(disk, -EWOULDBLOCK);
    }
    inode->locked = true;
    disk->handles[file].locks = true;
    return end(disk, 0);
}

static int disk_list(void *self, const char *path, void (*visit)(void *arg, const char *name), void *arg)
{
    struct fault_disk *disk = self;
    int failed = begin(disk);
    if (failed == 0 && !find_name(&disk->now, path)) {
        failed = -ENOENT;
    }
    char **names = NULL;
    size_t count = 0;
    for (size_t i = 0; failed == 0 && i < disk->now.count; i++) {
        if (is_in(disk->now.items[i].path, path)) {
            names = grow(names, (count + 1) * sizeof names[0]);
            names[count++] = copy_text(disk->now.items[i].path + strlen(path) + 1);
        }
    }
    (void)end(disk, 0);
    /* Without the lock: a visit may call again. */
    for (size_t i = 0; i < count; i++) {
        visit(arg, names[i]);
        free(names[i]);
    }
    free(names);
    return failed;
}

/* Control. */

struct fault_disk *fault_disk_create(uint64_t seed)
{
    struct fault_disk *disk = calloc(1, sizeof *disk);
    notch_assert(disk != NULL);
    notch_rng_init(&disk->rng, seed);
    int failed = pthread_mutex_init(&disk->lock, NULL);
    notch_assert(failed == 0);
    disk->owner = pthread_self();
    disk->cut_after = UINT64_MAX;
    disk->ops = (struct notch_file_ops){
        .open = disk_open,
        .close = disk_close,
        .read = disk_read,
        .write = disk_write,
        .size = disk_size,
        .truncate = disk_truncate,
        .sync = disk_sync,
        .sync_dir = disk_sync_dir,
        .make_dir = disk_make_dir,
        .rename = disk_rename,
        .remove = disk_remove,
        .lock = disk_lock,
        .list = disk_list,
        .self = disk,
    };
    return disk;
}

void fault_disk_destroy(struct fault_disk *disk)
{
    for (size_t i = 0; i < disk->inode_count; i++) {
        free(disk->inodes[i]->now);
        free(disk->inodes[i]->platter);
        free(disk->inodes[i]);
    }
    keep_changes(disk, disk->change_count);
    clear_names(&disk->now);
    clear_names(&disk->platter);
    free(disk->inodes);
    free(disk->changes);
    free(disk->handles);
    (void)pthread_mutex_destroy(&disk->lock);
    free(disk);
}

const struct notch_file_ops *fault_disk_ops(struct fault_disk *disk)
{
    return &disk->ops;
}

void fault_disk_cut_after(struct fault_disk *disk, uint64_t calls)
{
    (void)pthread_mutex_lock(&disk->lock);
    disk->cut_after = calls;
    (void)end(disk, 0);
}

void fault_disk_fail_after(struct fault_disk *disk, uint64_t calls, int number)
{
    (void)pthread_mutex_lock(&disk->lock);
    disk->fail_after = calls;
    disk->fail_number = number;
    (void)end(disk, 0);
}

void fault_disk_cut(struct fault_disk *disk)
{
    (void)pthread_mutex_lock(&disk->lock);
    disk->off = true;
    (void)end(disk, 0);
}

bool fault_disk_is_off(struct fault_disk *disk)
{
    (void)pthread_mutex_lock(&disk->lock);
    bool off = disk->off;
    (void)end(disk, 0);
    return off;
}

uint64_t fault_disk_calls(struct fault_disk *disk)
{
    (void)pthread_mutex_lock(&disk->lock);
    uint64_t calls = disk->calls;
    (void)end(disk, 0);
    return calls;
}

uint64_t fault_disk_syncs(struct fault_disk *disk)
{
    (void)pthread_mutex_lock(&disk->lock);
    uint64_t syncs = disk->syncs;
    (void)end(disk, 0);
    return syncs;
}

static struct inode *must_find(struct fault_disk *disk, const char *path)
{
    const struct name *name = find_name(&disk->now, path);
    notch_assert(name != NULL);
    notch_assert(name->inode != NULL);
    return name->inode;
}

uint64_t fault_disk_file_size(struct fault_disk *disk, const char *path)
{
    (void)pthread_mutex_lock(&disk->lock);
    const struct name *name = find_name(&disk->now, path);
    uint64_t size = name && name->inode ? name->inode->size : 0;
    (void)end(disk, 0);
    return size;
}

void fault_disk_flip(struct fault_disk *disk, const char *path, uint64_t offset, uint8_t mask)
{
    (void)pthread_mutex_lock(&disk->lock);
    struct inode *inode = must_find(disk, path);
    notch_assert(offset < inode->size);
    inode->now[offset] ^= mask;
    inode->platter[offset] ^= mask;
    (void)end(disk, 0);
}

void fault_disk_shorten(struct fault_disk *disk, const char *path, uint64_t size)
{
    (void)pthread_mutex_lock(&disk->lock);
    struct inode *inode = must_find(disk, path);
    notch_assert(size <= inode->size);
    inode_resize(inode, (size_t)size);
    inode_sync(inode);
    (void)end(disk, 0);
}

void fault_disk_put(struct fault_disk *disk, const char *path, const void *data, size_t len)
{
    (void)pthread_mutex_lock(&disk->lock);
    struct inode *inode = inode_new(disk);
    inode_resize(inode, len);
    if (len > 0) {
        memcpy(inode->now, data, len);
    }
    inode_sync(inode);
    add_name(&disk->now, path, inode);
    add_name(&disk->platter, path, inode);
    (void)end(disk, 0);
}

void fault_disk_remove(struct fault_disk *disk, const char *path)
{
    (void)pthread_mutex_lock(&disk->lock);
    remove_name(&disk->now, path);
    remove_name(&disk->platter, path);
    (void)end(disk, 0);
}
