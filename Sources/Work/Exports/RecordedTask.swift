// What a recorded image was made of.

import Catalogue
import Layouts
import Tasks

extension ShardOutput {
    /// The task with the seed that made the image: its own, or that of a retry which the job's gate asked for.
    func task() throws -> LayoutTask {
        var task = try LayoutTask(decoding: payload)
        if let judgement {
            task.seed = try ImageJudgement(decoding: judgement, objects: task.layout.objects.count).seed
        }
        return task
    }
}
