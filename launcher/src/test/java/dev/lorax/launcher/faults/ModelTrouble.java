package dev.lorax.launcher.faults;

import dev.lorax.launcher.testing.hub.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** What may be wrong with a model on a disk. */
enum ModelTrouble implements AtStart {
  NONE("the model directory does not exist") {
    @Override
    public void prepare(Scene scene) {
      scene.line().model(model(scene, "absent").toString());
    }
  },
  INCOMPLETE("the model directory is incomplete") {
    @Override
    public void prepare(Scene scene) throws IOException {
      Files.delete(model(scene, "tokenizer.json"));
    }
  },
  NO_JSON("a file of the model is no JSON") {
    @Override
    public void prepare(Scene scene) throws IOException {
      Files.writeString(model(scene, "config.json"), "{\"max_pos");
    }
  },
  CUT_WEIGHTS("the weights of the model are cut off") {
    @Override
    public void prepare(Scene scene) throws IOException {
      byte[] whole = TinyModel.safetensors("weight", 4096);
      Files.write(model(scene, "model.safetensors"), Arrays.copyOf(whole, whole.length / 2));
    }
  },
  NO_SAFETENSORS("the weights of the model are something else") {
    @Override
    public void prepare(Scene scene) throws IOException {
      Files.writeString(model(scene, "model.safetensors"), "<html>Sign in first</html>");
    }
  },
  WEIGHTS_MISSING("a file that the index of the weights names is missing") {
    @Override
    public void prepare(Scene scene) throws IOException {
      Files.writeString(
          model(scene, "model.safetensors.index.json"),
          "{\"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\"}}");
    }
  },
  CUT_GGUF("a GGUF file is cut off") {
    @Override
    public void prepare(Scene scene) throws IOException {
      byte[] whole = Files.readAllBytes(Originals.gguf());
      Path file = model(scene, "cut.gguf");
      Files.write(file, Arrays.copyOf(whole, whole.length / 2));
      scene.line().model(file.toString());
    }
  },
  NO_GGUF("a GGUF file is something else") {
    @Override
    public void prepare(Scene scene) throws IOException {
      Path file = model(scene, "page.gguf");
      Files.writeString(file, "<html>Sign in first</html>");
      scene.line().model(file.toString());
    }
  };

  private final String words;

  ModelTrouble(String words) {
    this.words = words;
  }

  private static Path model(Scene scene, String file) {
    return scene.processes().model().resolve(file);
  }

  @Override
  public String toString() {
    return words;
  }
}
