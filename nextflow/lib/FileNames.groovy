import java.nio.file.Path

/** What is wrong with the name of a file that tasks are to get; null where nothing is. */
class FileNames {

    private static final String REMEDY = 'rename it, or link to it by another name'
    private static final Map<String, String> UNFIT = ['$': '$', '`': '`', '"': '"', '\\': '\\', '\n': 'a line break', '\r': 'a line break']
    private static final List<String> OF_TASKS = ['rnas', 'pairs', 'types', 'groups', 'genes', 'model', 'queries', 'targets', 'parts']
    private static final List<String> OF_DATA_SETS = ['report', 'reports', 'dataset', 'embeddings', 'models', 'scores', 'explanations']

    static String unfit(Path file) {
        def sign = UNFIT.find { text, told -> file.toString().contains(text) }?.value
        return sign ? "which has ${sign} in its path, and no task can get it (${REMEDY})" : null
    }

    /** Files that options name stand beside folders of the task. */
    static String taken(Path file) {
        return file.name in OF_TASKS ? "whose name tasks need for a folder of their own (${REMEDY})" : null
    }

    /** The results of a recipe lie in a folder of the data set that has the recipe's name. */
    static String unfitRecipe(Path file) {
        if (!file.name.endsWith('.toml')) {
            return "which does not end in .toml (${REMEDY})"
        }
        if (file.baseName in OF_DATA_SETS) {
            return "and the pipeline needs a folder ${file.baseName} itself (${REMEDY})"
        }
        def fit = file.baseName ==~ /[A-Za-z0-9][A-Za-z0-9._-]*/
        return fit ? null : "which is to name a folder (${REMEDY}: letters, digits, '.', '_' and '-', first a letter or digit)"
    }

    /** Recipes whose results would lie in one folder. */
    static String alike(List<String> recipes) {
        def names = recipes.countBy { recipe -> recipe.tokenize('/').last() - ~/\.toml$/ }
        def name = names.find { name, count -> count > 1 }?.key
        return name ? "names ${names[name]} recipes ${name}, whose results would lie in one folder (rename all but one)" : null
    }
}
