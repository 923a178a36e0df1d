#include "tests/support/fault_env.h"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "chain/io/file_ops.h"
#include "leveldb/env.h"

namespace {

using leveldb::Slice;
using leveldb::Status;

Status ToStatus(const std::string &path, int64_t result)
{
    if (result >= 0) {
        return Status::OK();
    }
    int number = static_cast<int>(-result);
    return number == ENOENT ? Status::NotFound(path, std::strerror(number))
                            : Status::IOError(path, std::strerror(number));
}

std::string FolderOf(const std::string &path)
{
    return path.substr(0, path.rfind('/'));
}

/* One open file; closed with it. */
class Handle {
public:
    Handle(const notch_file_ops *files, std::string path, int file) : files_(files), path_(std::move(path)), file_(file)
    {
    }
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    ~Handle()
    {
        Close();
    }
    void Close()
    {
        if (file_ >= 0) {
            files_->close(files_->self, file_);
            file_ = -1;
        }
    }
    Status Read(uint64_t offset, size_t n, Slice *result, char *scratch) const
    {
        int64_t got = files_->read(files_->self, file_, scratch, n, offset);
        *result = Slice(scratch, got > 0 ? static_cast<size_t>(got) : 0);
        return ToStatus(path_, got);
    }
    Status Write(uint64_t offset, const Slice &data) const
    {
        return ToStatus(path_, files_->write(files_->self, file_, data.data(), data.size(), offset));
    }
    Status Sync() const
    {
        int result = files_->sync(files_->self, file_);
        if (result == 0) {
            result = files_->sync_dir(files_->self, FolderOf(path_).c_str());
        }
        return ToStatus(path_, result);
    }

private:
    const notch_file_ops *files_;
    std::string path_;
    int file_;
};

class Sequential : public leveldb::SequentialFile {
public:
    Sequential(const notch_file_ops *files, const std::string &path, int file) : handle_(files, path, file)
    {
    }
    Status Read(size_t n, Slice *result, char *scratch) override
    {
        Status status = handle_.Read(offset_, n, result, scratch);
        offset_ += result->size();
        return status;
    }
    Status Skip(uint64_t n) override
    {
        offset_ += n;
        return Status::OK();
    }

private:
    Handle handle_;
    uint64_t offset_ = 0;
};

class RandomAccess : public leveldb::RandomAccessFile {
public:
    RandomAccess(const notch_file_ops *files, const std::string &path, int file) : handle_(files, path, file)
    {
    }
    Status Read(uint64_t offset, size_t n, Slice *result, char *scratch) const override
    {
        return handle_.Read(offset, n, result, scratch);
    }

private:
    Handle handle_;
};

class Writable : public leveldb::WritableFile {
public:
    Writable(const notch_file_ops *files, const std::string &path, int file) : handle_(files, path, file)
    {
    }
    Status Append(const Slice &data) override
    {
        Status status = handle_.Write(offset_, data);
        offset_ += data.size();
        return status;
    }
    Status Close() override
    {
        handle_.Close();
        return Status::OK();
    }
    Status Flush() override
    {
        return Status::OK();
    }
    Status Sync() override
    {
        return handle_.Sync();
    }

private:
    Handle handle_;
    uint64_t offset_ = 0;
};

class Lock : public leveldb::FileLock {
public:
    Lock(const notch_file_ops *files, const std::string &path, int file) : handle_(files, path, file)
    {
    }

private:
    Handle handle_;
};

class Silent : public leveldb::Logger {
public:
    void Logv(const char *, std::va_list) override
    {
    }
};

class FaultEnv : public leveldb::EnvWrapper {
public:
    explicit FaultEnv(const notch_file_ops *files) : leveldb::EnvWrapper(leveldb::Env::Default()), files_(files)
    {
    }
    Status NewSequentialFile(const std::string &path, leveldb::SequentialFile **result) override
    {
        return Open<Sequential>(path, NOTCH_FILE_READ, result);
    }
    Status NewRandomAccessFile(const std::string &path, leveldb::RandomAccessFile **result) override
    {
        return Open<RandomAccess>(path, NOTCH_FILE_READ, result);
    }
    Status NewWritableFile(const std::string &path, leveldb::WritableFile **result) override
    {
        return Open<Writable>(path, NOTCH_FILE_CREATE, result);
    }
    Status NewAppendableFile(const std::string &path, leveldb::WritableFile **) override
    {
        return Status::NotSupported(path, "not used with reuse_logs off");
    }
    bool FileExists(const std::string &path) override
    {
        int file = files_->open(files_->self, path.c_str(), NOTCH_FILE_READ);
        if (file < 0) {
            return false;
        }
        files_->close(files_->self, file);
        return true;
    }
    Status GetChildren(const std::string &path, std::vector<std::string> *result) override
    {
        result->clear();
        return ToStatus(path, files_->list(files_->self, path.c_str(), AddName, result));
    }
    Status RemoveFile(const std::string &path) override
    {
        return ToStatus(path, files_->remove(files_->self, path.c_str()));
    }
    Status CreateDir(const std::string &path) override
    {
        return ToStatus(path, files_->make_dir(files_->self, path.c_str()));
    }
    Status RemoveDir(const std::string &path) override
    {
        return ToStatus(path, files_->remove(files_->self, path.c_str()));
    }
    Status GetFileSize(const std::string &path, uint64_t *size) override
    {
        int file = files_->open(files_->self, path.c_str(), NOTCH_FILE_READ);
        int64_t result = file;
        if (file >= 0) {
            result = files_->size(files_->self, file);
            files_->close(files_->self, file);
        }
        *size = result > 0 ? static_cast<uint64_t>(result) : 0;
        return ToStatus(path, result);
    }
    Status RenameFile(const std::string &from, const std::string &to) override
    {
        return ToStatus(from, files_->rename(files_->self, from.c_str(), to.c_str()));
    }
    Status LockFile(const std::string &path, leveldb::FileLock **lock) override
    {
        *lock = nullptr;
        int file = files_->open(files_->self, path.c_str(), NOTCH_FILE_CREATE);
        if (file < 0) {
            return ToStatus(path, file);
        }
        int taken = files_->lock(files_->self, file);
        if (taken != 0) {
            files_->close(files_->self, file);
            return Status::IOError("lock " + path, std::strerror(-taken));
        }
        *lock = new Lock(files_, path, file);
        return Status::OK();
    }
    Status UnlockFile(leveldb::FileLock *lock) override
    {
        delete lock;
        return Status::OK();
    }
    Status NewLogger(const std::string &, leveldb::Logger **result) override
    {
        *result = new Silent;
        return Status::OK();
    }

private:
    static void AddName(void *arg, const char *name)
    {
        static_cast<std::vector<std::string> *>(arg)->push_back(name);
    }
    template <typename File, typename Result>
    Status Open(const std::string &path, notch_file_mode mode, Result **result)
    {
        int file = files_->open(files_->self, path.c_str(), mode);
        *result = file >= 0 ? new File(files_, path, file) : nullptr;
        return ToStatus(path, file);
    }

    const notch_file_ops *files_;
};

/* What stands behind LevelDB's leveldb_env_t (db/c.cc). */
struct EnvBox {
    leveldb::Env *rep;
    bool is_default;
};

} /* namespace */

void *fault_env_create(const struct notch_file_ops *files)
{
    return new EnvBox{new FaultEnv(files), false};
}

void fault_env_destroy(void *env)
{
    EnvBox *box = static_cast<EnvBox *>(env);
    delete box->rep;
    delete box;
}
