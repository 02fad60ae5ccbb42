// The contracts of schemas/, embedded at build time, so that a command needs no file beside it.
#ifndef DETDIFFUSION_SCHEMAS_H
#define DETDIFFUSION_SCHEMAS_H

/// One migration: file name `NNNN_name.sql` without its extension, and its zero-terminated text.
struct detdiffusion_migration {
    const char *_Nonnull name;
    const char *_Nonnull sql;
};

/// How many migrations there are.
int detdiffusion_migration_count(void);

/// The migration at `index`, from 0, in the order in which they are applied.
struct detdiffusion_migration detdiffusion_migration_at(int index);

#endif
