import groovy.json.JsonException
import groovy.json.JsonSlurper
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.file.Files
import java.nio.file.Path
import nextflow.Global
import nextflow.Nextflow

/** What a model says of itself: the head of a safetensors file is a JSON, and its length stands in 8 bytes before it. */
class Model {

    private static final String BUILTIN = /builtin(?::(.+))?/
    private static final int LONGEST = 100_000_000  // bytes of a head, by the format

    /** The classifier of a model: that of a file, or of one that comes with the package. */
    static String classifier(String name) {
        return info(name).classifier
    }

    /** Whether the classifier reads vectors of RNAs, which cupid-embed makes, and not their sequences. */
    static boolean readsVectors(String name) {
        return info(name).store != null
    }

    /** Whether a model comes with the package, and so is no file to stage. */
    static boolean isBuiltin(String name) {
        return name ==~ BUILTIN
    }

    /** The file behind a name: builtin, builtin:NAME, or a path. */
    static Path file(String name) {
        def builtin = name =~ BUILTIN
        return builtin.matches()
            ? Global.session.baseDir.resolveSibling("cupid_tools/models/builtin/${builtin.group(1) ?: 'mirna-lncrna'}.safetensors")
            : Nextflow.file(name, glob: false)
    }

    private static Map info(String name) {
        try {
            return new JsonSlurper().parseText(head(file(name)).__metadata__.cupid_tools)
        } catch (JsonException | NullPointerException | IllegalArgumentException error) {
            throw new IllegalArgumentException("names ${name}, which is no model of cupid-tools (make one with cupid-train)")
        } catch (IOException error) {
            throw new IllegalArgumentException("names ${name}, which cannot be read (${error.message})")
        }
    }

    /** The JSON at the beginning of a safetensors file; null for most other files. */
    private static Map head(Path file) {
        return Files.newInputStream(file).withCloseable { stream ->
            def start = stream.readNBytes(8)
            def size = start.size() == 8 ? ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong() : 0
            if (size <= 0 || size > LONGEST) {
                return null
            }
            def text = new String(stream.readNBytes(size as int), 'UTF-8')
            return text.startsWith('{') ? new JsonSlurper().parseText(text) as Map : null
        }
    }
}
