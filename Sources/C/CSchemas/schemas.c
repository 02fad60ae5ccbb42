// Embeds the migrations. #embed takes two seconds where Swift's own resource embedding takes minutes.
#include "schemas.h"

static const char migration_0001[] = {
#embed "../../../schemas/catalogue/0001_jobs.sql"
    , 0};
static const char migration_0002[] = {
#embed "../../../schemas/catalogue/0002_views.sql"
    , 0};
static const char migration_0003[] = {
#embed "../../../schemas/catalogue/0003_roles.sql"
    , 0};
static const char migration_0004[] = {
#embed "../../../schemas/catalogue/0004_stores.sql"
    , 0};
static const char migration_0005[] = {
#embed "../../../schemas/catalogue/0005_device_classes.sql"
    , 0};
static const char migration_0006[] = {
#embed "../../../schemas/catalogue/0006_least_privilege.sql"
    , 0};
static const char migration_0007[] = {
#embed "../../../schemas/catalogue/0007_ranges.sql"
    , 0};
static const char migration_0008[] = {
#embed "../../../schemas/catalogue/0008_kinds.sql"
    , 0};
static const char migration_0009[] = {
#embed "../../../schemas/catalogue/0009_chains.sql"
    , 0};
static const char migration_0010[] = {
#embed "../../../schemas/catalogue/0010_blocked_shards.sql"
    , 0};
static const char migration_0011[] = {
#embed "../../../schemas/catalogue/0011_gates.sql"
    , 0};

static const struct detdiffusion_migration migrations[] = {
    {"0001_jobs", migration_0001},
    {"0002_views", migration_0002},
    {"0003_roles", migration_0003},
    {"0004_stores", migration_0004},
    {"0005_device_classes", migration_0005},
    {"0006_least_privilege", migration_0006},
    {"0007_ranges", migration_0007},
    {"0008_kinds", migration_0008},
    {"0009_chains", migration_0009},
    {"0010_blocked_shards", migration_0010},
    {"0011_gates", migration_0011},
};

int detdiffusion_migration_count(void) { return sizeof migrations / sizeof migrations[0]; }

struct detdiffusion_migration detdiffusion_migration_at(int index) { return migrations[index]; }
